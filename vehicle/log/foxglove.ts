/**
 * The two of Foxglove's well-known messages that a drive log has, which its Map and Image panels show, in JSON.
 * https://docs.foxglove.dev/docs/sdk/schemas/location-fix, …/compressed-video
 */
import type { VssValues } from '../../shared/vss.ts';
import type { JsonSchema } from './topics.ts';

const TIME: JsonSchema = {
  type: 'object',
  title: 'time',
  properties: {
    sec: { type: 'integer', minimum: 0 },
    nsec: { type: 'integer', minimum: 0, maximum: 999_999_999 },
  },
};

export const LOCATION_FIX: JsonSchema = {
  type: 'object',
  properties: {
    timestamp: TIME,
    frame_id: { type: 'string' },
    latitude: { type: 'number', description: 'degrees' },
    longitude: { type: 'number', description: 'degrees' },
    altitude: { type: 'number', description: 'm; not measured, always 0' },
    position_covariance: {
      type: 'array',
      items: { type: 'number' },
      minItems: 9,
      maxItems: 9,
      description: 'm², east, north and up, row by row',
    },
    position_covariance_type: {
      title: 'foxglove.PositionCovarianceType',
      oneOf: [
        { title: 'UNKNOWN', const: 0 },
        { title: 'APPROXIMATED', const: 1 },
        { title: 'DIAGONAL_KNOWN', const: 2 },
        { title: 'KNOWN', const: 3 },
      ],
      // What a reader that knows no oneOf takes it for.
      type: 'integer',
    },
  },
};

export const COMPRESSED_VIDEO: JsonSchema = {
  type: 'object',
  properties: {
    timestamp: TIME,
    frame_id: { type: 'string' },
    data: { type: 'string', contentEncoding: 'base64', description: 'one picture, Annex B' },
    format: { type: 'string', description: 'h264' },
  },
};

const APPROXIMATED = 1;
const UNKNOWN = 0;

/** Null where the vehicle does not know where it is. @param now ms since the epoch */
export function locationFix(values: VssValues, now: number) {
  const latitude = values['Vehicle.CurrentLocation.Latitude'];
  const longitude = values['Vehicle.CurrentLocation.Longitude'];
  if (latitude === undefined || longitude === undefined) return null;
  const accuracy = values['Vehicle.CurrentLocation.HorizontalAccuracy'];
  const variance = (accuracy ?? 0) ** 2;
  return {
    timestamp: timeOf(now),
    frame_id: 'vehicle',
    latitude,
    longitude,
    altitude: 0,
    position_covariance: [variance, 0, 0, 0, variance, 0, 0, 0, 0],
    position_covariance_type: accuracy === undefined ? UNKNOWN : APPROXIMATED,
  };
}

/** @param picture one picture of H.264 in Annex B @param now ms since the epoch */
export const compressedVideo = (picture: Buffer, now: number) => ({
  timestamp: timeOf(now),
  frame_id: 'camera',
  data: picture.toString('base64'),
  format: 'h264',
});

const timeOf = (ms: number) => ({
  sec: Math.floor(ms / 1000),
  nsec: Math.floor((ms - Math.floor(ms / 1000) * 1000) * 1e6),
});
