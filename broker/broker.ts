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
import { type Backlog, createBacklog } from './limits/backlog.ts';
import type { Guard } from './limits/guard.ts';
import { keepRetained } from './limits/keep-retained.ts';
import { LimitError, type LimitedRole, type RatedRole, type Refusal } from './limits/limits.ts';
import { createLine, type Line, type Transport } from './limits/line.ts';
import { publishRefusal } from './limits/publishing.ts';
import { watchLines } from './limits/watch-lines.ts';

const MAX_CLIENT_ID_LENGTH = 64;
/** Messages of QoS 2 that one client may leave half sent; the protocol has none. */
const MAX_QOS2_IN_FLIGHT = 20;
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
/** What Aedes says when its connectTimeout is over. */
const CONNECT_LATE = 'connect did not arrive in time';

/** How a client is connected. */
export interface Connection extends Transport {
  transport: 'tcp' | 'websocket' | 'internal';
  /** Address and port of the other end, for the log. */
  remote: string;
  /** Of the client: what limits per address count by. */
  address: string | undefined;
}

export interface Broker {
  /** Serves one client, until either closes the connection. Errors of its stream end this client only. */
  accept(connection: Connection): void;
  /** A connection from within the process; the caller speaks MQTT over it. */
  open(): Duplex;
  /** Clients that are connected, without those from within the process. */
  clients(): number;
  /** Disconnects everybody; no wills are published. */
  close(): Promise<void>;
}

interface Served {
  connection: Connection;
  line: Line;
  backlog: Backlog;
}

/** @param roleAtRates whose rates a client has; asked once, when it has been let in */
export async function createBroker(
  guard: Guard,
  log: Log,
  roleAtRates: (client: Client) => RatedRole = () => 'anyone',
): Promise<Broker> {
  const { limits, clock } = guard;
  const connections = new WeakMap<Duplex, Served>();
  const lines = watchLines(clock);
  const refusals = new WeakMap<Client, { code: number; reason: string }>();
  const failed = new WeakSet<Client>();
  const clients = new Set<Client>();
  let closing = false;

  const servedOf = (client: Client) => connections.get(client.conn);
  const roleOf = (client: Client): LimitedRole =>
    servedOf(client)?.connection.transport === 'internal' ? 'server' : roleAtRates(client);
  const describe = (client: Client) => {
    const served = servedOf(client);
    const { transport, remote } = served?.connection ?? {};
    const dropped = served?.backlog.dropped();
    return { client: client.id ?? undefined, transport, remote, ...(dropped ? { dropped } : {}) };
  };
  /** Whom a line in the log is about: the client, or where it comes from while it hasn't said who it is. */
  const whoIs = (client: Client) => client.id ?? servedOf(client)?.connection.address ?? 'unknown';
  const over = (client: Client, refusal: Refusal, message?: string) =>
    guard.over(refusal, whoIs(client), describe(client), message);

  /** Null for a client's own will after the client has gone. */
  function authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    done: (error?: Error | null) => void,
  ): void {
    // Everybody is being disconnected: these are wills that say no more than that.
    if (closing) return done(new Error('the broker is shutting down'));
    // Aedes's default check is gone once authorizePublish is replaced.
    if (packet.topic.startsWith('$')) return done(new Error('topics that begin with $ are the broker’s own'));
    const own = !client || roleOf(client) === 'server';
    const refusal = own ? null : publishRefusal(guard, client, packet, (...said) => over(client, ...said));
    done(refusal && new LimitError(refusal));
  }

  function authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const refusal = roleOf(client) === 'server' ? null : guard.claims.subscribe(client, subscription.topic);
    if (refusal) over(client, refusal, 'subscription refused');
    // Null is a SUBACK with 128, a failure.
    done(null, refusal ? null : subscription);
  }

  /** Returns null for what the client is not to get. */
  function authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    const backlog = servedOf(client)?.backlog;
    if (!backlog?.drops(packet)) return packet;
    if (backlog.dropped() === 1) {
      guard.sayOnce(`slow ${whoIs(client)}`, describe(client), 'slow MQTT client, dropping QoS 0 messages');
    }
    return null;
  }

  function preConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void {
    const refusal = connectProblem(packet);
    if (refusal) refusals.set(client, refusal);
    // Queues for clients that are away would have no bound, and the protocol needs none: every session is
    // clean, and CONNACK says that none was kept (MQTT 3.1.1, 3.2.2.2).
    packet.clean = true;
    // Refused later, in authenticate, since only there the client gets a CONNACK that says so.
    done(null, true);
  }

  const aedes = await Aedes.createBroker({
    connectTimeout: limits.connectSeconds * 1000,
    maxInflightInbound: MAX_QOS2_IN_FLIGHT,
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
    authorizeSubscribe,
    authorizeForward,
  });
  keepRetained(aedes, guard.retained, {
    room: (client) => servedOf(client)?.line.room() ?? Promise.resolve(false),
    onRefusal: (clientId, refusal) => guard.over(refusal, clientId, { client: clientId }),
  });

  aedes.on('clientReady', (client) => servedOf(client)?.line.open(roleOf(client)));
  aedes.on('unsubscribe', (filters, client) => {
    for (const filter of filters) guard.claims.unsubscribe(client, filter);
  });
  const sayWhy = (client: Client, { message: reason }: Error, message: string) =>
    guard.sayOnce(`${message} ${whoIs(client)} ${reason}`, { ...describe(client), reason }, message);

  aedes.on('client', (client) => {
    if (roleOf(client) !== 'server') clients.add(client);
    log.info(describe(client), 'MQTT client connected');
  });
  aedes.on('clientDisconnect', (client) => {
    clients.delete(client);
    log.info(describe(client), 'MQTT client disconnected');
  });
  aedes.on('clientError', (client, error) => {
    // Every write that was waiting reports the same, and what went over a limit was said.
    if (failed.has(client) || error instanceof LimitError) return;
    failed.add(client);
    // With a refusal this is how Aedes reports that it closed the connection.
    const message = refusals.has(client) ? 'MQTT client refused' : 'MQTT client error';
    sayWhy(client, error, message);
  });
  aedes.on('connectionError', (client, error) => {
    if (error instanceof LimitError) return;
    if (error.message === CONNECT_LATE) {
      over(client, { limit: 'connectSeconds', reason: `no CONNECT within ${limits.connectSeconds} s` });
    } else sayWhy(client, error, 'MQTT connection refused');
  });
  aedes.on('keepaliveTimeout', (client) => log.warn(describe(client), 'MQTT client fell silent'));
  // Not in Aedes's types: a failure of its own storage. Without a listener it would end the process.
  (aedes as NodeJS.EventEmitter).on('error', (error: Error) => {
    log.error({ reason: error.message }, 'MQTT broker error');
  });

  function accept(connection: Connection): void {
    if (closing) {
      connection.stream.destroy();
      return;
    }
    const { transport, remote, address = 'unknown' } = connection;
    const own = transport === 'internal';
    const line = createLine({
      transport: connection,
      limits: own ? { ...limits, backlogBytes: Number.POSITIVE_INFINITY } : limits,
      clock,
      onOver(refusal, isClosed) {
        const fields = { client: client.id ?? undefined, transport, remote };
        guard.over(refusal, client.id ?? address, fields, isClosed ? 'over a limit' : 'MQTT client slowed');
      },
    });
    connections.set(line.stream, { connection, line, backlog: createBacklog(line.backlog) });
    lines.add(line);
    const client = aedes.handle(line.stream);
  }

  return {
    accept,
    open() {
      const [ours, theirs] = duplexPair();
      const backlog = () => ours.writableLength;
      accept({ stream: ours, transport: 'internal', remote: 'this process', address: undefined, backlog });
      return theirs;
    },
    clients: () => clients.size,
    close() {
      closing = true;
      lines.close();
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
