/** A TCP connection from an attacker's own address, byte by byte. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Target } from '../target.ts';
import { type Connect, connectPacket } from './packets.ts';

/** Against hanging only, ms. */
const PATIENCE_MS = 30_000;

export interface Raw {
  socket: Socket;
  /** What has come so far. */
  received(): Buffer;
  /** Resolves with all that has come, once there are so many bytes, or the other end has closed. */
  answer(bytes: number): Promise<Buffer>;
  /** Resolves with all that came, when the connection is over. */
  closed: Promise<Buffer>;
}

/** @param from the address that the other end sees; the attack's own unless given */
export async function dial(target: Target, to: 'web' | 'mqtt', from: string = target.from): Promise<Raw> {
  const { port, hostname: host } = new URL(to === 'web' ? target.webUrl : target.mqttUrl);
  const socket = connect({ port: Number(port), host, localAddress: from, noDelay: true });
  const chunks: Buffer[] = [];
  let length = 0;
  const received = () => Buffer.concat(chunks);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  // A reset is an end too.
  socket.on('error', () => {});
  const closed = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(received())));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const next = (event: string) => Promise.race([once(socket, event).catch(() => {}), closed]);
  await next('connect');
  return {
    socket,
    received,
    closed,
    async answer(bytes) {
      while (length < bytes && !socket.destroyed) await next('data');
      return received();
    },
  };
}

/** The return code of CONNACK; null when the connection was closed without. */
export async function knock(
  target: Target,
  options: Connect,
  from?: string,
): Promise<{ raw: Raw; code: number | null }> {
  const raw = await dial(target, 'mqtt', from);
  raw.socket.write(connectPacket(options));
  const answer = await raw.answer(4);
  return { raw, code: answer[0] === 0x20 && answer.length >= 4 ? (answer[3] ?? null) : null };
}

/** Runs so many at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  act: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async (_: unknown, index: number) => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await act(next.value, index);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** 0, 1, … */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
