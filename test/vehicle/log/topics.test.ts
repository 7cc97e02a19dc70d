/** That Foxglove can read the schemas, and finds in them what it knows by name. */
import { expect, test } from 'vitest';
import { compressedVideo, locationFix } from '../../../vehicle/log/foxglove.ts';
import { type JsonSchema, TOPICS } from '../../../vehicle/log/topics.ts';

/** Paths to properties of a schema that Foxglove's reader of JSON Schema does not take. */
function notRead(schema: JsonSchema, path = ''): string[] {
  if (Array.isArray(schema.oneOf)) {
    return schema.oneOf.every((each) => typeof each.const === 'number') ? [] : [path];
  }
  switch (schema.type) {
    case 'object':
      if (!schema.properties) return [path];
      return Object.entries(schema.properties).flatMap(([name, each]) => notRead(each, `${path}.${name}`));
    case 'array':
      return notRead(schema.items as JsonSchema, `${path}[]`);
    case 'string':
      return ['base64', undefined].includes(schema.contentEncoding as string | undefined) ? [] : [path];
    default:
      return ['boolean', 'number', 'integer'].includes(schema.type) ? [] : [path];
  }
}

test.each(TOPICS.map((topic) => [topic.name, topic] as const))(
  '%s has a schema that can be read',
  (_, topic) => {
    expect(topic.schema.type).toBe('object');
    expect(notRead(topic.schema)).toEqual([]);
  },
);

/** As https://docs.foxglove.dev/docs/sdk/schemas says. */
const KNOWN = {
  'foxglove.LocationFix': [
    'timestamp',
    'frame_id',
    'latitude',
    'longitude',
    'altitude',
    'position_covariance',
    'position_covariance_type',
  ],
  'foxglove.CompressedVideo': ['timestamp', 'frame_id', 'data', 'format'],
};

test.each(Object.entries(KNOWN))('%s has the fields that Foxglove knows', (name, fields) => {
  const schema = TOPICS.find(({ schemaName }) => schemaName === name)?.schema;
  expect(Object.keys(schema?.properties ?? {}).sort()).toEqual([...fields].sort());
});

test('a place is said with its time and how sure it is', () => {
  const values = {
    'Vehicle.CurrentLocation.Latitude': 52.5,
    'Vehicle.CurrentLocation.Longitude': 13.4,
    'Vehicle.CurrentLocation.HorizontalAccuracy': 2,
  };
  const fix = locationFix(values, 1_800_000_000_123);
  expect(fix).toMatchObject({ latitude: 52.5, longitude: 13.4, position_covariance_type: 1 });
  expect(fix?.timestamp).toEqual({ sec: 1_800_000_000, nsec: 123_000_000 });
  expect(fix?.position_covariance).toEqual([4, 0, 0, 0, 4, 0, 0, 0, 0]);
  expect(Object.keys(fix ?? {}).sort()).toEqual([...KNOWN['foxglove.LocationFix']].sort());
  expect(locationFix({ 'Vehicle.Speed': 3 }, 0)).toBeNull();
});

test('a picture is said in Annex B as base64', () => {
  const picture = Buffer.from([0, 0, 0, 1, 0x67, 1]);
  const message = compressedVideo(picture, 5);
  expect(message).toMatchObject({ data: picture.toString('base64'), format: 'h264' });
  expect(Object.keys(message).sort()).toEqual([...KNOWN['foxglove.CompressedVideo']].sort());
});
