/** MQTT over TCP, plain or with TLS. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Log } from '../shared/log.ts';
import type { Broker } from './broker.ts';
import type { Guard } from './limits/guard.ts';
import { createMqttAdmission } from './limits/mqtt-admission.ts';
import { certificateProblem, vehicleCertificateOf } from './tls/client-certificate.ts';
import type { KeptTls } from './tls/kept-tls.ts';

export interface MqttTcp {
  /** Not listening yet. */
  server: Server;
  /** Accepts nobody any more. */
  stop(): void;
  /** Closes what is still connected; the broker has closed its clients by then. */
  close(): Promise<void>;
}

export function createMqttTcp(broker: Broker, guard: Guard): MqttTcp {
  const admit = createMqttAdmission(guard);
  // Without noDelay an exchange over plain MQTT waits for Nagle and delayed ACK: 44 ms instead of 0.5.
  const server = createServer({ noDelay: true }, (socket) => {
    if (admit(socket)) broker.accept({ transport: 'tcp', ...endOf(socket) });
  });
  return stoppable(server);
}

/** Vehicles may present a certificate, where there is an authority for them. */
export function createMqttTls(broker: Broker, guard: Guard, tls: KeptTls, log: Log): MqttTcp {
  const server = createTlsServer({
    noDelay: true,
    handshakeTimeout: guard.limits.connectSeconds * 1000,
    requestCert: tls.knowsClients,
    // Whoever has none, or a wrong one, may still have a token.
    rejectUnauthorized: false,
  });
  tls.equip(server);
  // Before the handshake, which is what costs; whoever is one too many can't be told before it.
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    const admission = guard.connections.admit(address);
    if (admission.ok) return void socket.once('close', admission.release);
    guard.over(admission.refusal, address ?? 'unknown', { remote: address }, 'connection refused');
    socket.destroy();
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = tls.knowsClients ? vehicleCertificateOf(socket) : null;
    const reason = tls.knowsClients ? certificateProblem(socket) : null;
    const end = endOf(socket);
    if (reason !== null)
      guard.sayOnce(
        `certificate ${end.address} ${reason}`,
        { remote: end.remote, reason },
        'the certificate of an MQTT client does not count',
      );
    broker.accept({ transport: 'tls', ...end, ...(certificate === null ? {} : { certificate }) });
  });
  // Whoever tries out servers does this all day.
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const address = socket.remoteAddress;
    log.debug({ remote: address, reason: error.message }, 'no TLS with an MQTT client');
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') {
      const refusal = { limit: 'connectSeconds', reason: 'no TLS handshake in time' } as const;
      guard.over(refusal, address ?? 'unknown', { remote: address });
    }
    // Node leaves it open when the time is over.
    socket.destroy();
  });
  return stoppable(server);
}

const endOf = (socket: Socket) => ({
  stream: socket,
  remote: `${socket.remoteAddress}:${socket.remotePort}`,
  address: socket.remoteAddress,
  backlog: () => socket.writableLength,
  watchStall: (ms: number, onStall: () => void) => void socket.setTimeout(ms, onStall),
});

function stoppable(server: Server): MqttTcp {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= new Promise((resolve) => server.close(() => resolve()));
  };
  return {
    server,
    stop,
    close() {
      stop();
      // Those that never sent CONNECT are unknown to Aedes.
      for (const socket of sockets) socket.destroy();
      return stopped ?? Promise.resolve();
    },
  };
}
