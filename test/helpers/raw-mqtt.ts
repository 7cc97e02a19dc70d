/** MQTT by hand over a TCP socket, for what no proper client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

/** The fixed header of a packet. @param first type and flags @param length the remaining length */
export function fixedHeader(first: number, length: number): Buffer {
  const bytes = [first];
  let left = length;
  do {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
}

const packet = (first: number, ...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([fixedHeader(first, body.length), body]);
};

/** A CONNECT with a clean session and a keepalive of 10 s. */
export const connectPacket = (clientId: string) =>
  packet(0x10, text('MQTT'), Buffer.from([4, 2, 0, 10]), text(clientId));

export const publishPacket = (topic: string, payload: Buffer | string) =>
  packet(0x30, text(topic), Buffer.from(payload));

export const subscribePacket = (filter: string, qos: 0 | 1) =>
  packet(0x82, Buffer.from([0, 1]), text(filter), Buffer.from([qos]));

export interface RawMqtt {
  socket: Socket;
  /** What has come so far. */
  received(): Buffer;
  /** Resolves with all that came, when the other end has closed. */
  closed: Promise<Buffer>;
}

/** @param url http:// or mqtt:// */
export async function rawConnection(url: string): Promise<RawMqtt> {
  const { port, hostname } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  onTestFinished(() => {
    socket.destroy();
  });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A reset is an end too.
  socket.on('error', () => {});
  const closed = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks))));
  await once(socket, 'connect');
  return { socket, received: () => Buffer.concat(chunks), closed };
}

/** A connection that was let in. */
export async function rawClient(url: string, clientId: string): Promise<RawMqtt> {
  const raw = await rawConnection(url);
  raw.socket.write(connectPacket(clientId));
  while (raw.received().length < 4) await once(raw.socket, 'data');
  return raw;
}
