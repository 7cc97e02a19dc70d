/**
 * STUN messages (RFC 8489) with the attributes that ICE (RFC 8445) and TURN (RFC 8656) need here. Pure.
 *
 * What comes from the network is looked at in full before anything of it is believed: `parseStun` takes no
 * message whose lengths do not fit exactly, or whose FINGERPRINT is wrong.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { crc32 } from 'node:zlib';

export type Address = readonly [host: string, port: number];

export const METHOD = {
  BINDING: 1,
  ALLOCATE: 3,
  REFRESH: 4,
  SEND: 6,
  DATA: 7,
  CREATE_PERMISSION: 8,
  CHANNEL_BIND: 9,
} as const;

/** In the order of the two bits of the class. */
const KINDS = ['request', 'indication', 'success', 'error'] as const;

export const ATTRIBUTE = {
  MAPPED_ADDRESS: 0x0001,
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  CHANNEL_NUMBER: 0x000c,
  LIFETIME: 0x000d,
  XOR_PEER_ADDRESS: 0x0012,
  DATA: 0x0013,
  REALM: 0x0014,
  NONCE: 0x0015,
  XOR_RELAYED_ADDRESS: 0x0016,
  REQUESTED_TRANSPORT: 0x0019,
  XOR_MAPPED_ADDRESS: 0x0020,
  ALTERNATE_SERVER: 0x8023,
  FINGERPRINT: 0x8028,
  ICE_CONTROLLED: 0x8029,
} as const;

const HEADER_BYTES = 20;
const COOKIE = Buffer.from([0x21, 0x12, 0xa4, 0x42]);
const ID_BYTES = 12;
const HMAC_BYTES = 20;
const FINGERPRINT_XOR = 0x5354554e;
const PLAIN_ADDRESSES: number[] = [ATTRIBUTE.MAPPED_ADDRESS, ATTRIBUTE.ALTERNATE_SERVER];

export interface StunMessage {
  method: number;
  kind: (typeof KINDS)[number];
  /** Of the transaction. */
  id: Buffer;
  /** The first of each type, without padding; what comes after MESSAGE-INTEGRITY doesn't count (14.5). */
  attributes: Map<number, Buffer>;
}

/** RFC 7983: what begins with 0 to 3 is STUN. */
export const isStun = (packet: Buffer): boolean => (packet[0] ?? 255) < 4;

export function stunMessage(
  method: number,
  kind: StunMessage['kind'],
  id = randomBytes(ID_BYTES),
): StunMessage {
  return { method, kind, id, attributes: new Map() };
}

/** Null for what is not a whole and sound message. */
export function parseStun(packet: Buffer): StunMessage | null {
  if (packet.length < HEADER_BYTES || !isStun(packet) || !packet.subarray(4, 8).equals(COOKIE)) return null;
  const length = packet.readUInt16BE(2);
  if (length % 4 !== 0 || length !== packet.length - HEADER_BYTES) return null;
  const type = packet.readUInt16BE(0);
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_BYTES; at < packet.length; ) {
    const name = packet.readUInt16BE(at);
    const end = at + 4 + packet.readUInt16BE(at + 2);
    if (end > packet.length) return null;
    const value = packet.subarray(at + 4, end);
    if (name === ATTRIBUTE.FINGERPRINT) {
      const right = value.length === 4 && end === packet.length && value.readUInt32BE() === sumOf(packet, at);
      if (!right) return null;
    }
    const counts = !attributes.has(ATTRIBUTE.MESSAGE_INTEGRITY) && !attributes.has(name);
    if (counts) attributes.set(name, value);
    at = end + (-end & 3);
  }
  return {
    // The bits of the class lie between those of the method (section 5).
    method: (type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80),
    kind: KINDS[((type >> 4) & 1) | ((type >> 7) & 2)] ?? 'request',
    id: packet.subarray(8, HEADER_BYTES),
    attributes,
  };
}

/** Whether a packet that `parseStun` has taken has the MESSAGE-INTEGRITY of this key. */
export function isIntact(packet: Buffer, key: Buffer): boolean {
  for (let at = HEADER_BYTES; at < packet.length; ) {
    const bytes = packet.readUInt16BE(at + 2);
    if (packet.readUInt16BE(at) === ATTRIBUTE.MESSAGE_INTEGRITY) {
      if (bytes !== HMAC_BYTES || at + 4 + bytes > packet.length) return false;
      return timingSafeEqual(hmacOf(packet.subarray(0, at), key), packet.subarray(at + 4, at + 4 + bytes));
    }
    at += 4 + bytes + (-bytes & 3);
  }
  return false;
}

/** With FINGERPRINT, and with MESSAGE-INTEGRITY where there is a key. Its own values of these two are left out. */
export function encodeStun({ method, kind, id, attributes }: StunMessage, key?: Buffer): Buffer {
  const bits = KINDS.indexOf(kind);
  const head = Buffer.alloc(4);
  const type = (method & 0xf) | ((method & 0x70) << 1) | ((method & 0xf80) << 2);
  head.writeUInt16BE(type | ((bits & 1) << 4) | ((bits & 2) << 7));
  const parts = [head, COOKIE, id];
  for (const [name, value] of attributes) {
    if (name === ATTRIBUTE.MESSAGE_INTEGRITY || name === ATTRIBUTE.FINGERPRINT) continue;
    parts.push(attributeOf(name, value));
  }
  if (key) parts.push(attributeOf(ATTRIBUTE.MESSAGE_INTEGRITY, hmacOf(Buffer.concat(parts), key)));
  const before = Buffer.concat(parts);
  before.writeUInt16BE(before.length - HEADER_BYTES + 8, 2);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(sumOf(before, before.length));
  return Buffer.concat([before, attributeOf(ATTRIBUTE.FINGERPRINT, sum)]);
}

/** The key of a login (RFC 8489, section 9.2.2). */
export const longTermKey = (username: string, realm: string, password: string): Buffer =>
  createHash('md5').update(`${username}:${realm}:${password}`).digest();

export function textOf({ attributes }: StunMessage, name: number): string | undefined {
  return attributes.get(name)?.toString('utf8');
}

export function numberOf({ attributes }: StunMessage, name: number): number | undefined {
  const value = attributes.get(name);
  return value?.length === 4 ? value.readUInt32BE() : undefined;
}

export function numberValue(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function errorOf({ attributes }: StunMessage): [code: number, reason: string] {
  const value = attributes.get(ATTRIBUTE.ERROR_CODE);
  if (!value || value.length < 4) return [0, 'an error without a code'];
  return [((value[2] ?? 0) & 7) * 100 + (value[3] ?? 0), value.toString('utf8', 4)];
}

export function addressOf({ id, attributes }: StunMessage, name: number): Address | undefined {
  const value = attributes.get(name);
  if (value?.length !== { 1: 8, 2: 20 }[value?.[1] ?? 0]) return undefined;
  const plain = PLAIN_ADDRESSES.includes(name) ? value?.subarray(2) : masked(value?.subarray(2), id);
  return plain && [hostOf(plain.subarray(2)), plain.readUInt16BE(0)];
}

/** The value of one of the XOR-… attributes. */
export function addressValue([host, port]: Address, id: Buffer): Buffer {
  const bytes = bytesOf(host);
  const plain = Buffer.concat([Buffer.alloc(2), bytes]);
  plain.writeUInt16BE(port);
  return Buffer.concat([Buffer.from([0, bytes.length === 4 ? 1 : 2]), masked(plain, id) ?? plain]);
}

/** Port and address, XORed with the cookie and what follows it (section 14.2). */
function masked(value: Buffer | undefined, id: Buffer): Buffer | undefined {
  const mask = Buffer.concat([COOKIE.subarray(0, 2), COOKIE, id]);
  return value && Buffer.from(value.map((byte, at) => byte ^ (mask[at] ?? 0)));
}

function bytesOf(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  // A URL's host is written in one way only, without an IPv4 address in its end.
  const [left = '', right] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (side: string) =>
    (side === '' ? [] : side.split(':')).map((group) => group.padStart(4, '0'));
  const [before, after] = [groups(left), groups(right ?? '')];
  const zeros = Array(8 - before.length - after.length).fill('0000');
  return Buffer.from([...before, ...zeros, ...after].join(''), 'hex');
}

function hostOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function attributeOf(name: number, value: Buffer): Buffer {
  const attribute = Buffer.alloc(4 + value.length + (-value.length & 3));
  attribute.writeUInt16BE(name);
  attribute.writeUInt16BE(value.length, 2);
  value.copy(attribute, 4);
  return attribute;
}

/** Of what is before it, with a length as if it were the last (section 14.5). */
function hmacOf(before: Buffer, key: Buffer): Buffer {
  const copy = Buffer.from(before);
  copy.writeUInt16BE(before.length - HEADER_BYTES + 4 + HMAC_BYTES, 2);
  return createHmac('sha1', key).update(copy).digest();
}

const sumOf = (packet: Buffer, end: number): number =>
  (crc32(packet.subarray(0, end)) ^ FINGERPRINT_XOR) >>> 0;
