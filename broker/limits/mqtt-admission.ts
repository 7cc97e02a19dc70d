/** Connections of MQTT over TCP are counted when they come; one over the limit is told so by a CONNACK. */
import type { Socket } from 'node:net';
import { CONNECT } from './framer.ts';
import type { Guard } from './guard.ts';

/** CONNACK: server unavailable (MQTT 3.1.1, 3.2.2.3). */
const SERVER_UNAVAILABLE = Buffer.from([0x20, 0x02, 0x00, 0x03]);
/** Connections over the limit that are answered at the same time; more are closed without a word. */
const MAX_REFUSALS = 64;
/** How long one that is refused has to begin its CONNECT, and to take the answer, ms. */
const REFUSAL_MS = 2_000;

/** @returns whether a connection is to be served */
export function createMqttAdmission(guard: Guard): (socket: Socket) => boolean {
  let refusing = 0;
  return (socket) => {
    const address = socket.remoteAddress;
    const admission = guard.connections.admit(address);
    if (admission.ok) {
      socket.once('close', admission.release);
      return true;
    }
    guard.over(admission.refusal, address ?? 'unknown', { remote: address }, 'connection refused');
    if (refusing >= MAX_REFUSALS) {
      socket.destroy();
      return false;
    }
    refusing += 1;
    const timer = setTimeout(() => socket.destroy(), REFUSAL_MS);
    socket.on('error', () => {});
    socket.once('close', () => {
      refusing -= 1;
      clearTimeout(timer);
    });
    socket.once('data', (bytes: Buffer) => {
      // What follows is read, and thrown away: closing with something unread would lose the answer.
      socket.resume();
      if (bytes[0] === CONNECT << 4) socket.end(SERVER_UNAVAILABLE);
      else socket.destroy();
    });
    return false;
  };
}
