import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTopics, isId, isRoot } from '../../shared/topics.ts';

const topics = createTopics();
const id = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);

test('every topic that is built is parsed back to its parts', () => {
  fc.assert(
    fc.property(id, id, id, fc.constantFrom('rooms', 'site-a/rooms'), (room, from, to, root) => {
      const { parse, ...build } = createTopics(root);
      expect(parse(build.presence(room, from))).toEqual({ kind: 'presence', room, peer: from });
      expect(parse(build.link(room, to))).toEqual({ kind: 'link', room, operator: to });
      for (const kind of ['sdp', 'ice', 'bye', 'report'] as const) {
        expect(parse(build[kind](room, from, to))).toEqual({ kind, room, from, to });
      }
      for (const kind of ['offer', 'telemetry', 'lease', 'safety', 'estop'] as const) {
        expect(parse(build[kind](room))).toEqual({ kind, room });
      }
    }),
  );
});

test('no topic at all makes the parser throw, and what it accepts carries ids only', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.array(fc.string()).map((levels) => ['rooms', ...levels].join('/')),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const topic = topics.parse(text);
      if (topic)
        expect(Object.values(topic).every((part) => typeof part === 'string' && isId(part))).toBe(true);
    }),
  );
});

describe('what is none of the protocol', () => {
  test.each([
    'rooms/car1',
    'rooms/car1/offer/more',
    'rooms/car1/peers/a/b',
    'rooms/car1/peers/op#1',
    'rooms/car1/sdp/car1',
    'rooms/car1/sdp/car1/op-1/x',
    'rooms/Car1/offer',
    'rooms/-car/offer',
    `rooms/${'a'.repeat(33)}/offer`,
    'other/car1/offer',
    '$SYS/broker/version',
    '',
  ])('%s', (text) => expect(topics.parse(text)).toBeNull());
});

test('roots are topic levels without wildcards', () => {
  expect(['rooms', 'a/b', 'site 1'].every(isRoot)).toBe(true);
  expect(['', '/', 'a/', '/a', 'a//b', '+', 'a/#', '$SYS', 'x'.repeat(65)].some(isRoot)).toBe(false);
});
