/**
 * The embedded MQTT 3.1.1 broker: Aedes with this project's limits.
 *
 * Listeners (mqtt-tcp.ts, mqtt-websocket.ts) hand their streams to `accept`; everything that holds
 * for all clients, whatever they came over, is decided here.
 */
import { type Duplex, duplexPair } from 'node:stream';
import {
  Aedes,
  type AedesPublishPacket,
  type AuthenticateError,
  type Client,
  type ConnectPacket,
  type PublishPacket,
  type Subscription,
} from 'aedes';
import type { Log } from '../shared/log.ts';
import { type Gate, type GateListener, OPEN_GATE } from './access/gate.ts';

/** A client must send CONNECT within this time. */
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A client that takes nothing for this long is disconnected. Aedes waits for it before it delivers
 * to the others, and its own default of 60 s would let one frozen subscriber stop all delivery.
 */
const DRAIN_TIMEOUT_MS = 2_000;
/** Above this many unsent bytes a client gets no more QoS 0 messages, so that nobody waits for it. */
const MAX_BACKLOG_BYTES = 8 * 1024;
/**
 * What a client gets of QoS 0 within one turn of the event loop, in bytes. A client that has just
 * frozen has no backlog yet, and from 64 KiB on Aedes would wait for it.
 */
const MAX_BURST_BYTES = 48 * 1024;
/** Largest payload that is passed on, in bytes; the protocol's own messages have at most 64 KiB. */
const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_CLIENT_ID_LENGTH = 64;
/**
 * Longest keepalive of a client with a will. A will is how a vehicle's death becomes known, after
 * one and a half times the keepalive.
 */
const KEEPALIVE_LIMIT_S = 30;
/** Longest keepalive of a mere onlooker: the default of mosquitto_sub and of MQTT.js. */
const ONLOOKER_KEEPALIVE_LIMIT_S = 60;

/** Return codes of CONNACK (MQTT 3.1.1, 3.2.2.3) that Aedes takes from an authenticate error. */
const IDENTIFIER_REJECTED = 2;
const NOT_AUTHORIZED = 5;

/** How a client is connected. */
export interface Connection {
  transport: 'tcp' | 'tls' | 'websocket' | 'internal';
  /** Address of the other end, for the log. */
  remote: string;
  /** Bytes that were written to the client and not yet taken by the operating system. */
  backlog(): number;
  /** The vehicle that a client certificate names which was verified. */
  certificate?: string | undefined;
}

export interface Broker {
  /** Serves one client over a stream, until either closes it. Errors of the stream end this client only. */
  accept(stream: Duplex, connection: Connection): void;
  /** A connection from within the process; the caller speaks MQTT over it. */
  open(): Duplex;
  /** Clients that are connected, without those from within the process. */
  clients(): number;
  /** Disconnects everybody; no wills are published. */
  close(): Promise<void>;
}

interface Delivery extends Connection {
  /** QoS 0 messages that the client did not get. */
  dropped: number;
  /** Bytes that the client is about to be written. */
  promised: number;
}

/** @param gateFor makes the gate, once it is told which clients are the server's own */
export async function createBroker(
  log: Log,
  gateFor: (tell: GateListener) => Gate = () => OPEN_GATE,
): Promise<Broker> {
  const connections = new WeakMap<Duplex, Delivery>();
  const refusals = new WeakMap<Client, { code: number; reason: string }>();
  const connects = new WeakMap<Client, ConnectPacket>();
  const failed = new WeakSet<Client>();
  const clients = new Set<Client>();
  let closing = false;
  const gate = gateFor({
    isOwn: (client) => connectionOf(client)?.transport === 'internal',
    onClosed: (client, reason) => log.warn({ ...describe(client), reason }, 'MQTT client closed'),
  });

  const connectionOf = (client: Client) => connections.get(client.conn);
  const describe = (client: Client) => {
    const { transport, remote, certificate, dropped } = connectionOf(client) ?? {};
    const peer = gate.grantOf(client)?.sub;
    const more = {
      ...(peer === undefined || peer === client.id ? {} : { peer }),
      ...(certificate ? { certificate } : {}),
      ...(dropped ? { dropped } : {}),
    };
    return { client: client.id ?? undefined, transport, remote, ...more };
  };

  /** @param client null for the will of a client that an earlier run of the broker had */
  function authorizePublish(
    client: Client | null,
    packet: PublishPacket & { clientId?: string },
    done: (error?: Error | null) => void,
  ): void {
    // Everybody is being disconnected: these are wills that say no more than that.
    if (closing) return done(new Error('the broker is shutting down'));
    // Aedes's default check is gone once authorizePublish is replaced.
    if (packet.topic.startsWith('$')) return done(new Error('topics that begin with $ are the broker’s own'));
    const size = packet.payload?.length ?? 0;
    if (size > MAX_PAYLOAD_BYTES) return done(new Error(`a payload of ${size} bytes is too large`));
    if (gate.mayPublish(client, packet.topic, packet.clientId)) return done();
    const reason = `it may not publish to '${shown(packet.topic)}'`;
    // MQTT 3.1.1 has no other answer to a PUBLISH that is refused than to close (3.3.5).
    if (client?.connected) refusals.set(client, { code: NOT_AUTHORIZED, reason });
    else log.warn({ client: packet.clientId ?? client?.id, reason }, 'a will was not published');
    done(new Error(reason));
  }

  /** What can never be received is refused, with the return code that MQTT has for it (3.9.3). */
  function authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    if (gate.maySubscribe(client, subscription.topic)) return done(null, subscription);
    const reason = `it may not subscribe to '${shown(subscription.topic)}'`;
    log.warn({ ...describe(client), reason }, 'MQTT subscription refused');
    done(null, null);
  }

  /** Returns null for what the client is not to get. */
  function authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (!gate.mayReceive(client, packet.topic)) return null;
    // Retained messages that answer a subscription hold up nobody else, and come one after another.
    if (packet.qos > 0 || packet.retain) return packet;
    const connection = connectionOf(client);
    if (!connection) return packet;
    const size = packet.payload.length + packet.topic.length;
    const backlog = connection.backlog();
    const burst = connection.promised > 0 && backlog + connection.promised + size > MAX_BURST_BYTES;
    if (backlog > MAX_BACKLOG_BYTES || burst) {
      if (connection.dropped === 0) log.warn(describe(client), 'slow MQTT client, dropping QoS 0 messages');
      connection.dropped += 1;
      return null;
    }
    // Aedes writes in a later turn of the event loop, so the backlog does not show it yet.
    connection.promised += size;
    setImmediate(() => {
      connection.promised -= size;
    });
    return packet;
  }

  function preConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void {
    const refusal = connectProblem(packet);
    if (refusal) refusals.set(client, refusal);
    connects.set(client, packet);
    // Refused later, in authenticate, since only there the client gets a CONNACK that says so.
    done(null, true);
  }

  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: ONLOOKER_KEEPALIVE_LIMIT_S,
    maxClientsIdLength: MAX_CLIENT_ID_LENGTH,
    preConnect,
    authenticate(client, _username, password, done) {
      const refuse = (code: number, reason: string) => {
        refusals.set(client, { code, reason });
        done(Object.assign(new Error(reason), { returnCode: code }) as AuthenticateError, false);
      };
      const refusal = refusals.get(client);
      if (refusal) return refuse(refusal.code, refusal.reason);
      if (connectionOf(client)?.transport === 'internal') return done(null, true);
      const certificate = connectionOf(client)?.certificate ?? null;
      const login = { clientId: client.id, password: password?.toString() || null, certificate };
      void gate.admit(client, login).then((reason) => {
        if (reason !== null) return refuse(NOT_AUTHORIZED, reason);
        const will = connects.get(client)?.will;
        // Now, since a client that has gone can't be told.
        if (will && !gate.mayPublish(client, will.topic, undefined))
          return refuse(NOT_AUTHORIZED, `it may not leave a will on '${shown(will.topic)}'`);
        done(null, true);
      });
    },
    authorizePublish,
    authorizeSubscribe,
    authorizeForward,
  });

  aedes.on('client', (client) => {
    if (connectionOf(client)?.transport !== 'internal') clients.add(client);
    log.info(describe(client), 'MQTT client connected');
  });
  aedes.on('clientDisconnect', (client) => {
    clients.delete(client);
    gate.left(client);
    log.info(describe(client), 'MQTT client disconnected');
  });
  aedes.on('clientError', (client, error) => {
    // Every write that was waiting reports the same.
    if (failed.has(client)) return;
    failed.add(client);
    // With a refusal this is how Aedes reports that it closed the connection.
    const message = refusals.has(client) ? 'MQTT client refused' : 'MQTT client error';
    log.warn({ ...describe(client), reason: error.message }, message);
  });
  aedes.on('connectionError', (client, error) => {
    log.warn({ ...describe(client), reason: error.message }, 'MQTT connection refused');
  });
  aedes.on('keepaliveTimeout', (client) => log.warn(describe(client), 'MQTT client fell silent'));
  // Not in Aedes's types: a failure of its own storage. Without a listener it would end the process.
  (aedes as NodeJS.EventEmitter).on('error', (error: Error) => {
    log.error({ reason: error.message }, 'MQTT broker error');
  });

  function accept(stream: Duplex, connection: Connection): void {
    if (closing) {
      stream.destroy();
      return;
    }
    connections.set(stream, { ...connection, dropped: 0, promised: 0 });
    aedes.handle(stream);
  }

  return {
    accept,
    open() {
      const [ours, theirs] = duplexPair();
      accept(ours, { transport: 'internal', remote: 'this process', backlog: () => ours.writableLength });
      return theirs;
    },
    clients: () => clients.size,
    close() {
      closing = true;
      gate.close();
      return new Promise((resolve) => aedes.close(() => resolve()));
    },
  };
}

/** So much of a topic is shown in a log, characters. */
const MOST_SHOWN = 100;

/** A topic as it may be shown: without what would be no text. */
const shown = (topic: string): string =>
  topic.length > MOST_SHOWN
    ? `${topic.slice(0, MOST_SHOWN).toWellFormed()}…`
    : topic.toWellFormed().replaceAll(/\p{Cc}/gu, '\uFFFD');

/** Why a CONNECT is refused; null when it is fine. */
export function connectProblem(
  packet: Pick<ConnectPacket, 'clientId' | 'keepalive' | 'will'>,
): { code: number; reason: string } | null {
  // Aedes applies its own limit to MQTT 3.1 only.
  if (packet.clientId.length > MAX_CLIENT_ID_LENGTH) {
    return {
      code: IDENTIFIER_REJECTED,
      reason: `the client id has more than ${MAX_CLIENT_ID_LENGTH} characters`,
    };
  }
  if (packet.will && (packet.keepalive ?? 0) > KEEPALIVE_LIMIT_S) {
    return {
      code: NOT_AUTHORIZED,
      reason: `the keepalive of a client with a will is at most ${KEEPALIVE_LIMIT_S} s`,
    };
  }
  return null;
}
