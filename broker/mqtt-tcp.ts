/** MQTT over TCP, plain or with TLS. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Log } from '../shared/log.ts';
import type { Broker } from './broker.ts';
import { certificateNameOf, certificateProblem } from './tls/client-certificate.ts';
import type { KeptTls } from './tls/kept-tls.ts';

/** A client must have agreed on keys within this time. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

export interface MqttTcp {
  /** Not listening yet. */
  server: Server;
  /** Accepts nobody any more. */
  stop(): void;
  /** Closes what is still connected; the broker has closed its clients by then. */
  close(): Promise<void>;
}

export function createMqttTcp(broker: Broker): MqttTcp {
  // Without noDelay an exchange over plain MQTT waits for Nagle and delayed ACK: 44 ms instead of 0.5.
  const server = createServer({ noDelay: true }, (socket) => {
    broker.accept(socket, { transport: 'tcp', ...endOf(socket) });
  });
  return stoppable(server);
}

/** Vehicles may present a certificate, where there is an authority for them. */
export function createMqttTls(broker: Broker, tls: KeptTls, log: Log): MqttTcp {
  const server = createTlsServer({
    noDelay: true,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestCert: tls.knowsClients,
    // Whoever has none, or a wrong one, may still have a token.
    rejectUnauthorized: false,
  });
  tls.equip(server);
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = tls.knowsClients ? certificateNameOf(socket) : null;
    const reason = tls.knowsClients ? certificateProblem(socket) : null;
    const end = endOf(socket);
    if (reason !== null)
      log.warn({ remote: end.remote, reason }, 'the certificate of an MQTT client does not count');
    broker.accept(socket, { transport: 'tls', ...end, ...(certificate === null ? {} : { certificate }) });
  });
  // The connection is closed by then. Whoever tries out servers does this all day.
  server.on('tlsClientError', (error, socket) => {
    log.debug({ remote: socket.remoteAddress, reason: error.message }, 'no TLS with an MQTT client');
  });
  return stoppable(server);
}

const endOf = (socket: Socket) => ({
  remote: `${socket.remoteAddress}:${socket.remotePort}`,
  backlog: () => socket.writableLength,
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
