/** MQTT 3.1.1 packets by hand, as bytes: right ones, to be made wrong by whoever likes. */

/** Packet types (MQTT 3.1.1, 2.2.1), as the first byte has them, with the flags that they must have. */
export const TYPE = {
  connect: 0x10,
  connack: 0x20,
  publish: 0x30,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  subscribe: 0x82,
  suback: 0x90,
  unsubscribe: 0xa2,
  unsuback: 0xb0,
  pingreq: 0xc0,
  pingresp: 0xd0,
  disconnect: 0xe0,
} as const;

/** The remaining length (2.2.3). */
export function lengthBytes(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  do {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
}

export const uint16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);

/** A string or bytes with their length before them (1.5.3). */
export function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

export function packet(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), lengthBytes(body.length), body]);
}

export interface Connect {
  clientId: string | Buffer;
  username?: string;
  password?: string | Buffer;
  /** Seconds; 10 unless given. */
  keepalive?: number;
  clean?: boolean;
  will?: { topic: string | Buffer; payload: string | Buffer; qos?: number; retain?: boolean };
  /** 4 unless given, for 3.1.1. */
  level?: number;
}

export function connectPacket(options: Connect): Buffer {
  const { clientId, username, password, keepalive = 10, clean = true, will, level = 4 } = options;
  const flags =
    (username === undefined ? 0 : 0x80) |
    (password === undefined ? 0 : 0x40) |
    (will?.retain ? 0x20 : 0) |
    ((will?.qos ?? 0) << 3) |
    (will ? 0x04 : 0) |
    (clean ? 0x02 : 0);
  return packet(
    TYPE.connect,
    field('MQTT'),
    Buffer.from([level, flags]),
    uint16(keepalive),
    field(clientId),
    ...(will ? [field(will.topic), field(will.payload)] : []),
    ...(username === undefined ? [] : [field(username)]),
    ...(password === undefined ? [] : [field(password)]),
  );
}

export function publishPacket(
  topic: string | Buffer,
  payload: string | Buffer,
  { qos = 0, retain = false, id = 1 } = {},
): Buffer {
  return packet(
    TYPE.publish | (qos << 1) | (retain ? 1 : 0),
    field(topic),
    ...(qos > 0 ? [uint16(id)] : []),
    Buffer.from(payload as string),
  );
}

export const subscribePacket = (filters: (string | Buffer)[], { qos = 0, id = 1 } = {}): Buffer =>
  packet(TYPE.subscribe, uint16(id), ...filters.flatMap((filter) => [field(filter), Buffer.from([qos])]));

export const unsubscribePacket = (filters: string[], id = 1): Buffer =>
  packet(TYPE.unsubscribe, uint16(id), ...filters.map(field));

export const PINGREQ = packet(TYPE.pingreq);
