/** A UDP socket that asks STUN servers how they see it, one after the other or all at once. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { SilentError } from './server-errors.ts';
import { type Address, ATTRIBUTE, addressOf, METHOD, stunMessage } from './stun.ts';
import { createRequests, type Requests } from './stun-requests.ts';

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
        const { message, rttMs } = await requests.ask(stunMessage(METHOD.BINDING, 'request'));
        const address =
          addressOf(message, ATTRIBUTE.XOR_MAPPED_ADDRESS) ?? addressOf(message, ATTRIBUTE.MAPPED_ADDRESS);
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
