/** The attacker's sockets between a car and its operator: each of the two takes one for the other end. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Place } from '../ears.ts';

type End = 'car' | 'operator';

export interface Relay {
  /** What an end is told of where the other one is. */
  instead(really: Place, of: End): Place;
  toCar(datagram: Buffer): void;
  toOperator(datagram: Buffer): void;
  close(): void;
}

/** @param pass what becomes of what an end sends: nothing unless it is sent on */
export async function openRelay(pass: (datagram: Buffer, from: End) => void): Promise<Relay> {
  /** The car takes the one for its operator, and the other way round. */
  const sockets: { [end in End]: Socket } = { car: createSocket('udp4'), operator: createSocket('udp4') };
  const places: { [end in End]?: Place } = {};
  const begin = (end: End) => {
    sockets[end].on('message', (datagram, { address, port }) => {
      // Behind a NAT, or on another of its addresses.
      places[end] = { address, port };
      pass(datagram, end);
    });
    sockets[end].on('error', () => {});
    sockets[end].bind(0, '0.0.0.0');
    return once(sockets[end], 'listening');
  };
  await Promise.all([begin('car'), begin('operator')]);
  const to = (end: End) => (datagram: Buffer) => {
    const place = places[end];
    if (place) sockets[end].send(datagram, place.port, place.address);
  };
  return {
    instead(really, of) {
      places[of] ??= really;
      // The other end is told, and sends to the socket that hears it.
      const other = of === 'car' ? 'operator' : 'car';
      return { address: really.address, port: sockets[other].address().port };
    },
    toCar: to('car'),
    toOperator: to('operator'),
    close() {
      for (const socket of Object.values(sockets)) socket.close();
    },
  };
}
