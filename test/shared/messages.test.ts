import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseCommand,
  parseOperatorEvent,
  parseVehicleEvent,
  parseVehicleState,
} from '../../shared/channels.ts';
import { buildMessage, MAX_MESSAGE_BYTES, parseMessage, schemas } from '../../shared/messages.ts';
import type { TopicKind } from '../../shared/topics.ts';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const presence = { v: 1, ts: 5, state: 'online', role: 'vehicle', epoch: 4, since: 4 };

test('a message that is built parses back, with version and time added', () => {
  const text = buildMessage('lease', { holder: 'op-1', since: 7 }, 12.4);
  expect(parseMessage('lease', new TextEncoder().encode(text))).toEqual({
    ok: true,
    value: { v: 1, ts: 12, holder: 'op-1', since: 7 },
  });
});

test('unknown fields are ignored', () => {
  expect(parseMessage('presence', bytes({ ...presence, colour: 'red' }))).toEqual({
    ok: true,
    value: presence,
  });
});

describe('a bad message is refused with a reason that names the field', () => {
  test.each([
    [{ ...presence, v: 2 }, /^v: /],
    [{ ...presence, state: 'asleep' }, /^state: /],
    [{ ...presence, epoch: '4' }, /^epoch: /],
    [{ ...presence, epoch: -1 }, /^epoch: /],
    [{ ...presence, name: 'x'.repeat(65) }, /^name: /],
    [[presence], /^message: /],
    [null, /^message: /],
  ])('%j', (message, reason) => {
    expect(parseMessage('presence', bytes(message))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(reason),
    });
  });
});

test('an offer with text that is not SDP is refused', () => {
  const offer = { v: 1, ts: 1, session: '0mwtdy30k-0001', seq: 1, type: 'offer', sdp: 'hello' };
  expect(parseMessage('sdp', bytes(offer))).toMatchObject({ ok: false, reason: 'sdp: is not SDP' });
  const bare = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n';
  expect(parseMessage('sdp', bytes({ ...offer, sdp: bare }))).toMatchObject({
    ok: false,
    reason: 'sdp: is SDP without ICE or DTLS',
  });
});

test('a payload over the limit is refused before it is read', () => {
  expect(parseMessage('sdp', new Uint8Array(MAX_MESSAGE_BYTES + 1))).toMatchObject({
    ok: false,
    reason: 'is 65537 bytes, more than 65536',
  });
});

test('nothing that arrives makes a parser throw', () => {
  const kinds = Object.keys(schemas) as TopicKind[];
  fc.assert(
    fc.property(fc.uint8Array(), fc.json(), fc.constantFrom(...kinds), (raw, json, kind) => {
      expect(parseMessage(kind, raw).ok).toBeTypeOf('boolean');
      expect(parseMessage(kind, new TextEncoder().encode(json)).ok).toBe(false);
      const parsers = [parseCommand, parseVehicleState, parseOperatorEvent, parseVehicleEvent];
      for (const parse of parsers) expect(parse(json).ok).toBe(false);
    }),
  );
});

test('each end takes the events that the other sends, and no others', () => {
  const peer = 'op-1';
  const [lease, reason, maxSpeed] = [1, 'a', 1];
  const stats = { type: 'stats', fps: 1, kbps: 1, lostPackets: 0 };
  const both = [
    { type: 'clock', t: 1 },
    { type: 'handover', peer },
  ];
  const ofOperators = ['enter', 'request', 'release', 'estop', 'reset'].map((type) => ({ type }));
  const ofVehicles = ['deny', 'wait', 'revoke'].map((type) => ({ type, reason }));
  const takenBy = (parse: typeof parseOperatorEvent | typeof parseVehicleEvent) =>
    [...both, ...ofOperators, { type: 'decline', peer }, stats, ...ofVehicles, { type: 'grant', lease }]
      .concat([{ type: 'limits', maxSpeed } as never, { type: 'of tomorrow' }])
      .filter((event) => parse(JSON.stringify({ ts: 1, ...event })).ok)
      .map(({ type }) => type);
  expect(takenBy(parseOperatorEvent)).toEqual([
    ...['clock', 'handover', 'enter', 'request', 'release', 'estop', 'reset', 'decline', 'stats'],
  ]);
  expect(takenBy(parseVehicleEvent)).toEqual([
    ...['clock', 'handover', 'deny', 'wait', 'revoke', 'grant', 'limits'],
  ]);
});

test('commands out of range are refused', () => {
  const command = { seq: 1, t: 1, lease: 1, steer: 0, throttle: 0, brake: 0, gear: 'D' };
  expect(parseCommand(JSON.stringify(command)).ok).toBe(true);
  for (const bad of [{ steer: 1.1 }, { throttle: -0.1 }, { brake: null }, { gear: 'P' }, { lease: 0.5 }]) {
    expect(parseCommand(JSON.stringify({ ...command, ...bad })).ok).toBe(false);
  }
  expect(parseCommand(`${JSON.stringify(command)}${' '.repeat(5_000)}`).ok).toBe(false);
});
