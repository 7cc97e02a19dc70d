/** DTLS as somebody on the path sees it: datagrams to records, and records to handshake messages. */
import { CONTENT } from '../packets.ts';

export interface Record {
  type: number;
  epoch: number;
  sequence: number;
  body: Buffer;
  /** As it came. */
  whole: Buffer;
}

/** A handshake message, or a piece of one. */
export interface Message {
  type: number;
  sequence: number;
  length: number;
  offset: number;
  body: Buffer;
}

export const MESSAGE = {
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

const HEAD_BYTES = 13;
const MESSAGE_HEAD_BYTES = 12;

/** RFC 7983. */
export const isDtls = (datagram: Buffer): boolean => {
  const first = datagram[0] ?? 0;
  return first > 19 && first < 64;
};
export const isMedia = (datagram: Buffer): boolean => {
  const first = datagram[0] ?? 0;
  return first > 127 && first < 192;
};

export function recordsIn(datagram: Buffer): Record[] {
  const records: Record[] = [];
  for (let at = 0; at + HEAD_BYTES <= datagram.length; ) {
    const end = at + HEAD_BYTES + datagram.readUInt16BE(at + 11);
    if (end > datagram.length) break;
    records.push({
      type: datagram[at] ?? 0,
      epoch: datagram.readUInt16BE(at + 3),
      sequence: datagram.readUIntBE(at + 5, 6),
      body: datagram.subarray(at + HEAD_BYTES, end),
      whole: datagram.subarray(at, end),
    });
    at = end;
  }
  return records;
}

/** Of a record in plain text. */
export function messagesIn({ type, epoch, body }: Record): Message[] {
  const messages: Message[] = [];
  if (type !== CONTENT.handshake || epoch !== 0) return messages;
  for (let at = 0; at + MESSAGE_HEAD_BYTES <= body.length; ) {
    const start = at + MESSAGE_HEAD_BYTES;
    const end = start + body.readUIntBE(at + 9, 3);
    messages.push({
      type: body[at] ?? 0,
      length: body.readUIntBE(at + 1, 3),
      sequence: body.readUInt16BE(at + 4),
      offset: body.readUIntBE(at + 6, 3),
      body: body.subarray(start, end),
    });
    at = end;
  }
  return messages;
}

/** Whole messages of one end, in the order of their numbers, whatever comes twice or in pieces. */
export function createAssembly() {
  const messages = new Map<number, Message>();
  const pieces = new Map<number, { body: Buffer; have: number; offsets: Set<number> }>();
  return {
    take(message: Message): void {
      const { sequence, length, offset, body } = message;
      const known = pieces.get(sequence) ?? { body: Buffer.alloc(length), have: 0, offsets: new Set() };
      pieces.set(sequence, known);
      if (known.offsets.has(offset)) return;
      known.offsets.add(offset);
      body.copy(known.body, offset);
      known.have += body.length;
      if (known.have === length) messages.set(sequence, { ...message, offset: 0, body: known.body });
    },
    all: (): Message[] => [...messages.values()].toSorted((a, b) => a.sequence - b.sequence),
    find: (type: number): Message | undefined => [...messages.values()].find((one) => one.type === type),
    forget(): void {
      messages.clear();
      pieces.clear();
    },
  };
}
