/** Ways to make a right packet wrong. Each takes the packet's bytes, and returns others. */
import { field, lengthBytes, packet, TYPE, uint16 } from '../wire/packets.ts';
import type { Random } from '../wire/random.ts';

export type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** First byte and what follows the length. */
function parts(bytes: Buffer): { first: number; body: Buffer } {
  let at = 1;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return { first: bytes[0] ?? 0, body: bytes.subarray(at + 1) };
}

const withLength = (first: number, length: Buffer, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([first]), length, body]);

/** Bytes that are no UTF-8: alone, cut off, too long for what they say, a surrogate, and NUL. */
const NO_TEXT = [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0]];

export const MUTATIONS: Record<string, Mutation> = {
  'bit flips': (bytes, random) => {
    const changed = Buffer.from(bytes);
    for (let count = 1 + random.below(8); count > 0; count -= 1) {
      const at = random.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    }
    return changed;
  },
  truncation: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  'a body that is cut off, with a right length': (bytes, random) => {
    const { first, body } = parts(bytes);
    return packet(first, body.subarray(0, random.below(body.length + 1)));
  },
  'a length that is too short': (bytes, random) => {
    const { first, body } = parts(bytes);
    return withLength(first, lengthBytes(random.below(body.length + 1)), body);
  },
  'a length that is too long': (bytes, random) => {
    const { first, body } = parts(bytes);
    return withLength(first, lengthBytes(body.length + 1 + random.below(2 ** random.below(28))), body);
  },
  'a length without an end': (bytes, random) => {
    const { first, body } = parts(bytes);
    return withLength(first, Buffer.alloc(4 + random.below(6), 0x80 + random.below(128)), body);
  },
  'a length in more bytes than needed': (bytes) => {
    const { first, body } = parts(bytes);
    const [low = 0] = lengthBytes(body.length);
    return withLength(first, Buffer.from([low | 0x80, 0x80, 0x80, 0x00]), body);
  },
  'reserved flags': (bytes, random) => {
    const { first, body } = parts(bytes);
    return packet((first & 0xf0) | random.below(16), body);
  },
  'a reserved type': (bytes, random) => packet(random.pick([0x00, 0xf0, 0x0f, 0xff]), parts(bytes).body),
  'a type that is not its own': (bytes, random) =>
    packet(random.pick(Object.values(TYPE)), parts(bytes).body),
  'QoS 3': (bytes) => packet(TYPE.publish | 0x06, parts(bytes).body),
  'a string that is longer than its packet': (bytes, random) => {
    const { first, body } = parts(bytes);
    if (body.length < 2) return packet(first, uint16(0xffff));
    const changed = Buffer.from(body);
    changed.writeUInt16BE(random.below(0x10000), random.below(body.length - 1));
    return packet(first, changed);
  },
  'text that is no UTF-8': (bytes, random) => {
    const { first, body } = parts(bytes);
    const changed = Buffer.from(body);
    const bad = random.pick(NO_TEXT);
    const at = random.below(Math.max(1, body.length - bad.length));
    Buffer.from(bad).copy(changed, at);
    return packet(first, changed);
  },
  'no topics, or empty ones': (_bytes, random) =>
    random.pick([
      packet(TYPE.subscribe, uint16(1)),
      packet(TYPE.unsubscribe, uint16(1)),
      packet(TYPE.subscribe, uint16(1), field(''), Buffer.from([0])),
      packet(TYPE.unsubscribe, uint16(1), field('')),
      packet(TYPE.publish, field('')),
      packet(TYPE.publish | 2, field('rooms/car1/estop')),
    ]),
  'packet identifier 0, or none': (_bytes, random) =>
    packet(
      random.pick([TYPE.puback, TYPE.pubrec, TYPE.pubrel, TYPE.pubcomp, TYPE.publish | 4, TYPE.subscribe]),
      random.pick([uint16(0), Buffer.alloc(0), Buffer.alloc(1)]),
    ),
  'bytes put in between': (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(16)), bytes.subarray(at)]);
  },
  'two packets in one another': (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes, bytes.subarray(at)]);
  },
  'random bytes': (_bytes, random) => random.bytes(1 + random.below(64)),
};
