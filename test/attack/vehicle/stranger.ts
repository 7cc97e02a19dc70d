/** Somebody who has no right to anything, and can send datagrams to where a car listens. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground } from './attack.ts';
import type { Place } from './ears.ts';

/** Datagrams that the driver's process is handed at a time: it has to drive beside. */
const CHUNK = 200;

export interface Stranger {
  /** To one place; lost without a word where nobody listens. */
  send(packet: Buffer, place: Place): void;
  /** To each of the places in turn, so many in a millisecond. */
  sendAll(packets: Iterable<Buffer>, places: Place[], perMs: number): Promise<void>;
  close(): void;
}

export async function openStranger(): Promise<Stranger> {
  const open = async (type: 'udp4' | 'udp6', address: string): Promise<Socket | null> => {
    const socket = createSocket({ type, sendBufferSize: 4 * 2 ** 20 });
    socket.on('error', () => {});
    socket.bind(0, address);
    return Promise.race([
      once(socket, 'listening').then(() => socket),
      // A machine may have no IPv6.
      once(socket, 'error').then(() => null),
    ]).catch(() => null);
  };
  const [four, six] = await Promise.all([open('udp4', '0.0.0.0'), open('udp6', '::')]);
  const send = (packet: Buffer, { address, port }: Place) =>
    void (isIPv6(address) ? six : four)?.send(packet, port, address, () => {});
  return {
    send,
    async sendAll(packets, places, perMs) {
      if (places.length === 0) throw new Error('the car has said no candidate');
      let count = 0;
      for (const packet of packets) {
        send(packet, places[count % places.length] as Place);
        count += 1;
        if (count % perMs === 0) await sleep(1);
      }
    },
    close() {
      four?.close();
      six?.close();
    },
  };
}

/**
 * Sends what is given to the car's end of the honest driver's session: half of it from a stranger's address, and half
 * from the driver's own socket, as somebody would who writes another's address on his datagrams.
 */
export async function sendBothWays(
  { ears, driver, driverId }: Ground,
  packets: Buffer[],
  perMs = 5,
): Promise<number> {
  const stranger = await openStranger();
  for (let at = 0; at < packets.length; at += CHUNK) {
    const some = packets.slice(at, at + CHUNK);
    const half = some.length >> 1;
    await stranger.sendAll(some.slice(0, half), ears.places(driverId), perMs);
    await driver.send(some.slice(half), perMs);
  }
  stranger.close();
  return packets.length;
}

/**
 * Honest operators come one after the other, and each time a place is said for them, it is sent to at once and
 * again and again. @returns how many did not get a connection
 */
export async function whileOthersCome(
  { ears, driver, operator }: Ground,
  name: string,
  tries: number,
  packet: () => Buffer,
  everyMs: number,
): Promise<number> {
  const stranger = await openStranger();
  let kept = 0;
  for (let index = 0; index < tries; index += 1) {
    const login = await operator(`op-${name}-${index}`);
    const places: Place[] = [];
    const silence = ears.onPlace((place, to) => {
      if (to !== login.id) return;
      places.push(place);
      stranger.send(packet(), place);
    });
    const timer = setInterval(() => {
      for (const place of places) stranger.send(packet(), place);
    }, everyMs);
    if ((await driver.arrive(login)) === null) kept += 1;
    clearInterval(timer);
    silence();
  }
  stranger.close();
  return kept;
}
