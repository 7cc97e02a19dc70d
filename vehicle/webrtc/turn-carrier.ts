/** The way to a TURN server, for whole packets: UDP, or TCP and TLS with their framing (RFC 8656, 12.5). */
import { createSocket } from 'node:dgram';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Target } from './ice-targets.ts';
import { SilentError } from './server-errors.ts';

/** A connection that is not made after this long isn't made any more, ms. */
const CONNECT_LIMIT_MS = 4_000;
/** What waits longer than this for a slow connection is old before it arrives, bytes: 0.2 s at 2.5 Mbit/s. */
const MOST_WAITING_BYTES = 64 * 1024;
const STUN_HEADER_BYTES = 20;
const CHANNEL_HEADER_BYTES = 4;

export interface Carrier {
  send(packet: Buffer): void;
  /** More is waiting than should; what can be left out should be. */
  congested(): boolean;
  close(): void;
}

export interface CarrierEvents {
  packet(packet: Buffer): void;
  /** A packet may not have arrived. */
  doubt(error: Error): void;
  /** It can't be used any more. */
  end(error: Error): void;
}

/**
 * @param addresses of the target's host, the best first; UDP takes the first
 * @throws what Node says when there is no connection
 */
export function openCarrier(
  target: Target,
  addresses: string[],
  events: CarrierEvents,
  signal: AbortSignal,
): Promise<Carrier> {
  return target.transport === 'udp'
    ? openUdp(target, addresses[0] ?? target.host, events)
    : openStream(target, addresses, events, signal);
}

/** A connected socket: the system tells it when nothing listens, and takes packets from the server alone. */
function openUdp({ port }: Target, address: string, events: CarrierEvents): Promise<Carrier> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  let closed = false;
  let connected = false;
  const carrier: Carrier = {
    send(packet) {
      if (!closed) socket.send(packet, (error) => error && events.doubt(error));
    },
    congested: () => false,
    close() {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => {
      events.doubt(error);
      if (!connected) carrier.close();
      reject(error);
    });
    socket.on('message', events.packet);
    socket.once('connect', () => {
      connected = true;
      resolve(carrier);
    });
    socket.connect(port, address);
  });
}

function openStream(
  target: Target,
  addresses: string[],
  events: CarrierEvents,
  signal: AbortSignal,
): Promise<Carrier> {
  // Already looked up; Node tries one address after the other (RFC 8305).
  const lookup: LookupFunction = (_host, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    const first = found[0] ?? { address: '', family: 0 };
    if (all) done(null, found);
    else done(null, first.address, first.family);
  };
  const host = isIP(target.host) ? (addresses[0] ?? target.host) : target.host;
  const options = { host, port: target.port, lookup, autoSelectFamily: true, noDelay: true };
  const tls = target.transport === 'tls';
  const socket: Socket = tls ? connectTls(options) : connect(options);
  const unframe = createUnframer(events.packet, (error) => socket.destroy(error));
  socket.on('data', unframe);
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => socket.destroy(new SilentError('no answer')), CONNECT_LIMIT_MS);
    const abort = () => socket.destroy(new SilentError('given up'));
    signal.addEventListener('abort', abort, { once: true });
    let reason: Error = new SilentError('the connection was closed');
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => {
      clearTimeout(limit);
      signal.removeEventListener('abort', abort);
      reject(reason);
      events.end(reason);
    });
    socket.on('end', () => socket.destroy());
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(limit);
      signal.removeEventListener('abort', abort);
      resolve({
        send(packet) {
          if (socket.writable) socket.write(padded(packet));
        },
        congested: () => socket.writableLength > MOST_WAITING_BYTES,
        close: () => socket.destroy(),
      });
    });
  });
}

/** Everything on a stream is a multiple of four bytes long. */
function padded(packet: Buffer): Buffer {
  const missing = -packet.length & 3;
  return missing === 0 ? packet : Buffer.concat([packet, Buffer.alloc(missing)]);
}

function createUnframer(
  take: (packet: Buffer) => void,
  fail: (error: Error) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= CHANNEL_HEADER_BYTES) {
      const kind = (rest[0] ?? 0) >> 6;
      if (kind > 1) return fail(new SilentError('it does not speak TURN there'));
      const length = rest.readUInt16BE(2) + (kind === 0 ? STUN_HEADER_BYTES : CHANNEL_HEADER_BYTES);
      const whole = length + (-length & 3);
      if (rest.length < whole) return;
      take(rest.subarray(0, length));
      rest = rest.subarray(whole);
    }
  };
}
