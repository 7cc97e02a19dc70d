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
} from 'aedes';
import type { Log } from '../shared/log.ts';

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
  transport: 'tcp' | 'websocket' | 'internal';
  /** Address of the other end, for the log. */
  remote: string;
  /** Bytes that were written to the client and not yet taken by the operating system. */
  backlog(): number;
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

export async function createBroker(log: Log): Promise<Broker> {
  const connections = new WeakMap<Duplex, Delivery>();
  const refusals = new WeakMap<Client, { code: number; reason: string }>();
  const failed = new WeakSet<Client>();
  const clients = new Set<Client>();
  let closing = false;

  const connectionOf = (client: Client) => connections.get(client.conn);
  const describe = (client: Client) => {
    const { transport, remote, dropped } = connectionOf(client) ?? {};
    return { client: client.id ?? undefined, transport, remote, ...(dropped ? { dropped } : {}) };
  };

  /** Null for a client's own will after the client has gone. */
  function authorizePublish(
    _client: Client | null,
    packet: PublishPacket,
    done: (error?: Error | null) => void,
  ): void {
    // Everybody is being disconnected: these are wills that say no more than that.
    if (closing) return done(new Error('the broker is shutting down'));
    // Aedes's default check is gone once authorizePublish is replaced.
    if (packet.topic.startsWith('$')) return done(new Error('topics that begin with $ are the broker’s own'));
    const size = packet.payload?.length ?? 0;
    if (size > MAX_PAYLOAD_BYTES) return done(new Error(`a payload of ${size} bytes is too large`));
    done();
  }

  /** Returns null for what the client is not to get. */
  function authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
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
    // Refused later, in authenticate, since only there the client gets a CONNACK that says so.
    done(null, true);
  }

  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: ONLOOKER_KEEPALIVE_LIMIT_S,
    maxClientsIdLength: MAX_CLIENT_ID_LENGTH,
    preConnect,
    authenticate(client, _username, _password, done) {
      const refusal = refusals.get(client);
      if (!refusal) return done(null, true);
      const error = Object.assign(new Error(refusal.reason), { returnCode: refusal.code });
      done(error as AuthenticateError, false);
    },
    authorizePublish,
    authorizeForward,
  });

  aedes.on('client', (client) => {
    if (connectionOf(client)?.transport !== 'internal') clients.add(client);
    log.info(describe(client), 'MQTT client connected');
  });
  aedes.on('clientDisconnect', (client) => {
    clients.delete(client);
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
      return new Promise((resolve) => aedes.close(() => resolve()));
    },
  };
}

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
