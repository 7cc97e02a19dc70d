/** Datagrams by hand that a WebRTC stack may take for something: STUN, DTLS, RTP, RTCP. */
import type { Random } from '../wire/random.ts';

/** Content types of DTLS (RFC 5246, section 6.2.1). */
export const CONTENT = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 } as const;
const DTLS_1_2 = Buffer.from([0xfe, 0xfd]);

/** A record of DTLS (RFC 6347, section 4.1). */
export function record(
  type: number,
  epoch: number,
  sequence: number,
  body: Buffer,
  says = body.length,
): Buffer {
  const head = Buffer.alloc(13);
  head[0] = type;
  DTLS_1_2.copy(head, 1);
  head.writeUInt16BE(epoch, 3);
  head.writeUIntBE(sequence, 5, 6);
  head.writeUInt16BE(says, 11);
  return Buffer.concat([head, body]);
}

/** A fragment of a handshake message (RFC 6347, section 4.2.2); a whole one unless told otherwise. */
export function handshake(
  type: number,
  sequence: number,
  body: Buffer,
  { length = body.length, offset = 0 }: { length?: number; offset?: number } = {},
): Buffer {
  const head = Buffer.alloc(12);
  head[0] = type;
  head.writeUIntBE(length, 1, 3);
  head.writeUInt16BE(sequence, 4);
  head.writeUIntBE(offset, 6, 3);
  head.writeUIntBE(body.length, 9, 3);
  return Buffer.concat([head, body]);
}

const attribute = (type: number, value: Buffer): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
};

/** A STUN message (RFC 8489, section 5). @param type 1 for a binding request */
export function stun(type: number, transaction: Buffer, attributes: Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(body.length, 2);
  head.writeUInt32BE(0x2112a442, 4);
  return Buffer.concat([head, transaction, body]);
}

export const USERNAME = 0x0006;
const PRIORITY = 0x0024;
const ICE_CONTROLLING = 0x802a;
const USE_CANDIDATE = 0x0025;

/** Somebody claims to be the one who chooses the path, with a number that nobody can beat, and proves nothing. */
export const controlling = (random: Random, username = 'a:b'): Buffer =>
  stun(1, random.bytes(12), [
    attribute(USERNAME, Buffer.from(username)),
    attribute(PRIORITY, Buffer.from([0x7e, 0xff, 0xff, 0xff])),
    attribute(ICE_CONTROLLING, Buffer.alloc(8, 0xff)),
    attribute(USE_CANDIDATE, Buffer.alloc(0)),
  ]);

const STUN_TYPES = [0x0001, 0x0101, 0x0111, 0x0011, 0x0003, 0x0004, 0x0103, 0x0113, 0x3fff];

/** One of any kind, mostly nearly right. */
export function anyDatagram(random: Random): Buffer {
  const noise = random.bytes(random.below(1_200));
  const kind = random.below(5);
  if (kind === 0) {
    const attributes = Array.from({ length: random.below(5) }, () =>
      attribute(random.below(2) ? random.below(0x30) : random.below(0x10000), random.bytes(random.below(40))),
    );
    return stun(random.pick(STUN_TYPES), random.bytes(12), attributes);
  }
  if (kind === 1) {
    const body = random.below(2)
      ? noise
      : handshake(random.below(26), random.below(12), random.bytes(random.below(400)));
    return record(20 + random.below(6), random.below(3), random.below(2 ** 16), body);
  }
  if (kind === 2) {
    // With a length that lies.
    const type = random.below(64);
    return record(type, random.below(0x10000), random.below(2 ** 32), noise, random.below(0x10000));
  }
  // RTP and RTCP (RFC 7983: 128 to 191).
  if (kind === 3)
    return Buffer.concat([
      Buffer.from([0x80 | random.below(64), random.below(256)]),
      random.bytes(10),
      noise,
    ]);
  return noise;
}
