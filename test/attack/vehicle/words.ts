/** What insiders say: events of every kind, what is none, data of SCTP, and reports of RTCP. */

/** But an emergency stop, which is anybody's right, and stops the car. */
export const EVENTS: ((now: number) => object)[] = [
  (ts) => ({ type: 'enter', ts }),
  (ts) => ({ type: 'request', ts }),
  (ts) => ({ type: 'request', ts, how: 'handover' }),
  (ts) => ({ type: 'request', ts, how: 'takeover' }),
  (ts) => ({ type: 'handover', ts, peer: null }),
  (ts) => ({ type: 'handover', ts, peer: 'op-driver' }),
  (ts) => ({ type: 'decline', ts, peer: 'op-driver' }),
  (ts) => ({ type: 'release', ts }),
  (ts) => ({ type: 'reset', ts }),
  (ts) => ({ type: 'clock', ts, t: ts, echo: ts - 10, held: 1 }),
  (ts) => ({ type: 'limits', ts, maxSpeed: 0 }),
  (ts) => ({ type: 'stats', ts, fps: 1, kbps: 1, lostPackets: 1 }),
  (ts) => ({ type: 'grant', ts, lease: 1 }),
  (ts) => ({ type: 'deny', ts, reason: 'x'.repeat(200) }),
  (ts) => ({ type: 'revoke', ts, reason: 'x'.repeat(200) }),
];

export const MALFORMED: string[] = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '{"type":"clock"}',
  '{"type":"clock","ts":1e999}',
  `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
  `{"seq":1,"t":${'9'.repeat(3_000)}}`,
  'x'.repeat(4_096),
  'y'.repeat(60_000),
  '\u0000\uD800',
  '{"__proto__":{"type":"reset"},"ts":1}',
];

const EVENTS_STREAM = 1;
const TEXT = 51;
const DATA_BYTES = 1_000;

/** A DATA chunk of the reliable channel (RFC 9260, section 3.3.1): a whole message, and not the next one. */
export function someData(tsn: number, n: number): Buffer {
  const chunk = Buffer.alloc(16 + DATA_BYTES, 0x20);
  chunk[0] = 0;
  // Begin and end.
  chunk[1] = 3;
  chunk.writeUInt16BE(chunk.length, 2);
  chunk.writeUInt32BE(tsn >>> 0, 4);
  chunk.writeUInt16BE(EVENTS_STREAM, 8);
  // Far from the one that is due.
  chunk.writeUInt16BE((0x4000 + (n % 0x3000)) & 0xffff, 10);
  chunk.writeUInt32BE(TEXT, 12);
  return chunk;
}

const TRANSPORT_FEEDBACK = 205;
const TRANSPORT_WIDE = 15;
const MOST_IN_A_RUN = 0x1fff;
const ALL = 0xffff;

/**
 * A transport-wide report (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1) in 40 bytes that says of
 * 65,535 packets whether they have arrived: of none, as that takes no more room.
 */
export function reportOfAll(ssrc: number, n: number): Buffer {
  const runs: Buffer[] = [];
  for (let left = ALL; left > 0; left -= MOST_IN_A_RUN) {
    const run = Buffer.alloc(2);
    run.writeUInt16BE(Math.min(left, MOST_IN_A_RUN));
    runs.push(run);
  }
  const body = Buffer.alloc(16);
  body.writeUInt32BE(1, 0);
  body.writeUInt32BE(ssrc, 4);
  body.writeUInt16BE(n & 0xffff, 8);
  body.writeUInt16BE(ALL, 10);
  body.writeUIntBE(n & 0xff_ffff, 12, 3);
  body[15] = n & 255;
  const padding = Buffer.alloc((4 - ((runs.length * 2) % 4)) % 4);
  const head = Buffer.from([0x80 | TRANSPORT_WIDE, TRANSPORT_FEEDBACK, 0, 0]);
  const packet = Buffer.concat([head, body, ...runs, padding]);
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  return packet;
}
