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
  `${'['.repeat(400)}${']'.repeat(400)}`,
  `{"seq":1,"t":${'9'.repeat(900)}}`,
  'x'.repeat(1_100),
  'y'.repeat(1_150),
  '\u0000\uD800',
  '{"__proto__":{"type":"reset"},"ts":1}',
];

/** PPIDs of text and of no text (RFC 8831, section 8). */
const TEXT = 51;
const NO_TEXT = 56;
/** Begin and end of a message, which waits for no other. */
const WHOLE = 7;

/** A DATA chunk with a whole message (RFC 9260, section 3.3.1). */
export function dataChunk(tsn: number, stream: number, text: string): Buffer {
  const data = Buffer.from(text || '\0');
  const length = 16 + data.length;
  const chunk = Buffer.alloc(Math.ceil(length / 4) * 4);
  chunk[1] = WHOLE;
  chunk.writeUInt16BE(length, 2);
  chunk.writeUInt32BE(tsn >>> 0, 4);
  chunk.writeUInt16BE(stream, 8);
  chunk.writeUInt32BE(text ? TEXT : NO_TEXT, 12);
  data.copy(chunk, 16);
  return chunk;
}

/** The first half of a message of which the rest never comes, in order: it has to wait for what is before it, too. */
export function halfChunk(tsn: number, stream: number, number: number, bytes: number): Buffer {
  const chunk = dataChunk(tsn, stream, 'x'.repeat(bytes));
  // Begin.
  chunk[1] = 2;
  chunk.writeUInt16BE(number & 0xffff, 10);
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
