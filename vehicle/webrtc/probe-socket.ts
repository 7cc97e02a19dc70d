/** A UDP socket that asks STUN servers how they see it, one after the other or all at once. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import * as werift from 'werift';
import { SilentError } from './server-errors.ts';
import { createRequests, type Requests } from './stun-requests.ts';
import type { Address } from './turn-allocation.ts';

export interface Seen {
  /** This socket's public address, as that server sees it. */
  address: Address;
  rttMs: number;
}

export interface ProbeSocket {
  port: number;
  /** @throws RefusedError, SilentError */
  ask(server: Address, signal: AbortSignal): Promise<Seen>;
  send(data: Buffer, to: Address): void;
  close(): void;
}

/** @throws what Node says when there are no such sockets here */
export async function openProbeSocket(family: 4 | 6): Promise<ProbeSocket> {
  const socket: Socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const asking = new Set<Requests>();
  const listening = once(socket, 'listening');
  socket.bind();
  await listening;
  socket.on('error', () => {});
  socket.on('message', (packet) => {
    for (const requests of asking) requests.take(packet);
  });
  return {
    port: socket.address().port,
    async ask([host, port], signal) {
      if (isIP(host) !== family) throw new SilentError('this machine has no address of its family');
      const send = (packet: Buffer) =>
        socket.send(packet, port, host, (error) => error && requests.doubt(error));
      const requests = createRequests(send, false);
      const abort = () => requests.fail();
      asking.add(requests);
      signal.addEventListener('abort', abort, { once: true });
      try {
        const request = new werift.Message(werift.methods.BINDING, werift.classes.REQUEST);
        const { message, rttMs } = await requests.ask(request);
        const address =
          message.getAttributeValue('XOR-MAPPED-ADDRESS') ?? message.getAttributeValue('MAPPED-ADDRESS');
        if (!address) throw new SilentError('its answer has no address');
        return { address, rttMs };
      } finally {
        signal.removeEventListener('abort', abort);
        asking.delete(requests);
      }
    },
    send: (data, [host, port]) => socket.send(data, port, host, () => {}),
    close: () => socket.close(),
  };
}
