import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  parseCommand,
  parseOperatorEvent,
  parseVehicleEvent,
  parseVehicleState,
} from '../shared/channels.ts';
import { parseMessage, schemas } from '../shared/messages.ts';
import { createTopics, type TopicKind } from '../shared/topics.ts';
import { isVssName } from '../shared/vss.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');
const protocol = read('docs/protocol.md');
const topics = createTopics();
const examples = [...protocol.matchAll(/<!-- example: ([a-z ]+) -->\n```\n([^`]*)\n```/g)].flatMap(
  ([, name = '', body = '']) => body.split('\n').map((line) => ({ name, line })),
);
const onMqtt = examples.filter(({ line }) => line.startsWith('rooms/'));

describe('docs/protocol.md', () => {
  test.each(onMqtt)('its example of $name parses', ({ line }) => {
    const topic = topics.parse(line.slice(0, line.indexOf(' ')));
    const payload = new TextEncoder().encode(line.slice(line.indexOf(' ') + 1));
    expect(topic && parseMessage(topic.kind, payload)).toMatchObject({ ok: true });
  });

  test('has an example of every message but the e-stop, which no vehicle of this version hears', () => {
    const shown = new Set(onMqtt.map(({ line }) => topics.parse(line.slice(0, line.indexOf(' ')))?.kind));
    const kinds = (Object.keys(schemas) as TopicKind[]).filter((kind) => kind !== 'estop');
    expect([...shown].sort()).toEqual(kinds.sort());
  });

  test('has parsing examples of every data-channel message that is in use', () => {
    const on = (name: string) => examples.filter((example) => example.name === name).map(({ line }) => line);
    expect(on('command').map(parseCommand)).toMatchObject([{ ok: true }]);
    expect(on('state').map(parseVehicleState)).toMatchObject([{ ok: true }]);
    const events = on('events').map((line) => {
      const asOperators = parseOperatorEvent(line);
      return asOperators.ok ? asOperators : parseVehicleEvent(line);
    });
    expect(events.every(({ ok }) => ok)).toBe(true);
    const types = events.map((event) => event.ok && event.value.type);
    expect(types).toEqual(
      expect.arrayContaining(['request', 'grant', 'limits', 'handover', 'decline', 'release', 'clock']),
    );
  });

  test('sends telemetry by names that are listed', () => {
    const line = onMqtt.find(({ name }) => name === 'telemetry')?.line ?? '';
    const { values } = JSON.parse(line.slice(line.indexOf(' ') + 1));
    expect(Object.keys(values).filter((name) => !isVssName(name))).toEqual([]);
    for (const name of Object.keys(values)) expect(protocol).toContain(`| \`${name}\` |`);
  });
});

test('every file that README.md and CONTRIBUTING.md name exists', () => {
  const named = [read('README.md'), read('CONTRIBUTING.md')]
    .flatMap((text) => [
      ...text.matchAll(/(?:`|\]\()((?:shared|broker|vehicle|web|test|docs|deploy)\/[\w./-]*)/g),
    ])
    .map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(10);
  const missing = named.filter((path) => !existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url))));
  expect(missing).toEqual([]);
});
