/** A UDP socket that asks STUN servers how they see it, one after the other or all at once, beside its own traffic. */
import { createSocket } from 'node:dgram';
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
  family: 4 | 6;
  port: number;
  /** @throws RefusedError, SilentError */
  ask(server: Address, signal: AbortSignal): Promise<Seen>;
  send(data: Buffer, to: Address): void;
  close(): void;
}

/**
 * @param heard is told of everything that comes while it is open
 * @throws what Node says when there are no such sockets here
 */
export async function openProbeSocket(
  family: 4 | 6,
  heard: (packet: Buffer, from: Address) => void = () => {},
): Promise<ProbeSocket> {
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 });
  const asking = new Set<Requests>();
  const listening = once(socket, 'listening');
  socket.bind();
  await listening;
  let closed = false;
  socket.on('error', () => {});
  socket.on('message', (packet, { address, port }) => {
    for (const requests of asking) requests.take(packet);
    heard(packet, [address, port]);
  });
  const send = (packet: Buffer, [host, port]: Address, failed: (error: Error) => void = () => {}) => {
    if (!closed) socket.send(packet, port, host, (error) => error && failed(error));
  };
  return {
    family,
    port: socket.address().port,
    async ask(server, signal) {
      if (isIP(server[0]) !== family) throw new SilentError('this machine has no address of its family');
      const requests = createRequests((packet) => send(packet, server, requests.doubt), false);
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
    send: (data, to) => send(data, to),
    close() {
      closed = true;
      socket.close();
    },
  };
}
