/** MQTT over TCP. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Broker } from './broker.ts';
import type { Guard } from './limits/guard.ts';
import { createMqttAdmission } from './limits/mqtt-admission.ts';

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
  const sockets = new Set<Socket>();
  // Without noDelay an exchange over plain MQTT waits for Nagle and delayed ACK: 44 ms instead of 0.5.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (!admit(socket)) return;
    broker.accept({
      stream: socket,
      transport: 'tcp',
      remote: `${socket.remoteAddress}:${socket.remotePort}`,
      address: socket.remoteAddress,
      backlog: () => socket.writableLength,
      watchStall: (ms, onStall) => void socket.setTimeout(ms, onStall),
    });
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
