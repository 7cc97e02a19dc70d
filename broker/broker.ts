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
import { printable } from '../shared/printable.ts';
import { sessionOfPeer } from '../shared/roles.ts';
import { type Gate, type GateListener, OPEN_GATE } from './access/gate.ts';
import { createClientLog } from './client-log.ts';
import {
  connectProblem,
  MAX_CLIENT_ID_LENGTH,
  NOT_AUTHORIZED,
  SERVER_UNAVAILABLE,
} from './connect-problem.ts';
import { type Backlog, createBacklog } from './limits/backlog.ts';
import type { Guard } from './limits/guard.ts';
import { keepRetained } from './limits/keep-retained.ts';
import { LimitError, type LimitedRole, type Refusal } from './limits/limits.ts';
import { createLine, type Line, type Transport } from './limits/line.ts';
import { publishRefusal } from './limits/publishing.ts';
import { watchLines } from './limits/watch-lines.ts';
import type { VehicleCertificate } from './tls/client-certificate.ts';

/** Messages of QoS 2 that one client may leave half sent; the protocol has none. */
const MAX_QOS2_IN_FLIGHT = 20;
/** Longest keepalive of a mere onlooker: the default of mosquitto_sub and of MQTT.js. */
const ONLOOKER_KEEPALIVE_LIMIT_S = 60;

/** What Aedes says when its connectTimeout is over. */
const CONNECT_LATE = 'connect did not arrive in time';

/** What Aedes says when it writes to one whose connection has ended. */
const GONE = 'connection closed';
/** And when it has closed one that fell silent, which is said where it happens. */
const SILENT = 'keep alive timeout';

/** How a client is connected. */
export interface Connection extends Transport {
  transport: 'tcp' | 'tls' | 'websocket' | 'internal';
  /** Address and port of the other end, for the log. */
  remote: string;
  /** Of the client: what limits per address count by. */
  address: string | undefined;
  /** The vehicle that a client certificate names which was verified. */
  certificate?: VehicleCertificate | undefined;
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

/** Why somebody can't come in. */
interface No {
  /** CONNACK's. */
  code: number;
  reason: string;
  /** Where it was a limit, which has been said. */
  refusal?: Refusal;
}

interface Served {
  connection: Connection;
  line: Line;
  backlog: Backlog;
}

/** @param gateFor makes the gate, once it is told which clients are the server's own */
export async function createBroker(
  guard: Guard,
  log: Log,
  gateFor: (tell: GateListener) => Gate = () => OPEN_GATE,
): Promise<Broker> {
  const { limits, clock } = guard;
  const connections = new WeakMap<Duplex, Served>();
  const lines = watchLines(clock);
  const refusals = new WeakMap<Client, { code: number; reason: string }>();
  const connects = new WeakMap<Client, ConnectPacket>();
  const failed = new WeakSet<Client>();
  const clients = new Set<Client>();
  let closing = false;
  const gate = gateFor({
    isOwn: (client) => servedOf(client)?.connection.transport === 'internal',
    onClosed: (client, reason) => said.closed(client, reason),
  });

  const servedOf = (client: Client) => connections.get(client.conn);
  const roleOf = (client: Client): LimitedRole =>
    servedOf(client)?.connection.transport === 'internal'
      ? 'server'
      : (gate.grantOf(client)?.role ?? 'anyone');
  const said = createClientLog(guard, log, servedOf, () => gate);

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
    if (!gate.mayPublish(client, packet.topic, packet.clientId)) {
      const reason = `it may not publish to '${shown(packet.topic)}'`;
      // MQTT 3.1.1 has no other answer to a PUBLISH that is refused than to close (3.3.5).
      if (client?.connected) refusals.set(client, { code: NOT_AUTHORIZED, reason });
      else {
        const id = packet.clientId ?? client?.id;
        guard.sayOnce(`will ${id}`, { client: id, reason }, 'a will was not published');
      }
      return done(new Error(reason));
    }
    if (client && packet.retain && packet.payload.length > 0 && !gate.mayLeave(client, packet.topic)) {
      // It may say so, and an emergency stop has to get through; it is only not kept for those who come later.
      packet.retain = false;
      said.why(client, `it may not retain '${shown(packet.topic)}'`, 'retained message passed on, not kept');
    }
    if (client) nameStop(client, packet);
    const own = !client || roleOf(client) === 'server';
    const refusal = own
      ? null
      : publishRefusal(guard, client, packet, shareOf(roleOf(client)), (...more) =>
          said.over(client, ...more),
        );
    done(refusal && new LimitError(refusal));
  }

  /** Nobody stops a car in another's name; the stop gets through all the same. */
  function nameStop(client: Client, packet: PublishPacket): void {
    const stop = gate.namedStop(client, packet.topic, Buffer.from(packet.payload));
    if (!stop) return;
    packet.payload = Buffer.from(stop.payload);
    if (stop.claimed !== null)
      said.why(client, `it was in the name of '${stop.claimed}'`, 'emergency stop passed on in its own name');
  }

  /** What can never be received is refused, with the return code that MQTT has for it (3.9.3). */
  function authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    if (roleOf(client) === 'server') return done(null, subscription);
    if (!gate.maySubscribe(client, subscription.topic)) {
      const reason = `it may not subscribe to '${shown(subscription.topic)}'`;
      said.why(client, reason, 'MQTT subscription refused');
      return done(null, null);
    }
    const refusal = guard.claims.subscribe(client, subscription.topic);
    if (refusal) said.over(client, refusal, 'MQTT subscription refused');
    done(null, refusal ? null : subscription);
  }

  /** Returns null for what the client is not to get. */
  function authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (!gate.mayReceive(client, packet.topic)) return null;
    const backlog = servedOf(client)?.backlog;
    if (!backlog?.drops(packet)) return packet;
    if (backlog.dropped() === 1) said.once(client, 'slow MQTT client, dropping QoS 0 messages');
    return null;
  }

  function preConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void {
    const refusal = connectProblem(packet);
    if (refusal) refusals.set(client, refusal);
    connects.set(client, packet);
    // Queues for clients that are away would have no bound, and the protocol needs none: every session is
    // clean, and CONNACK says that none was kept (MQTT 3.1.1, 3.2.2.2).
    packet.clean = true;
    // Refused later, in authenticate, since only there the client gets a CONNACK that says so.
    done(null, true);
  }

  /** Why a client can't come in; null when it can. */
  async function whyNot(client: Client, password: Readonly<Buffer | undefined>): Promise<No | null> {
    const { transport, address, certificate = null } = servedOf(client)?.connection ?? {};
    const no = (reason: string): No => ({ code: NOT_AUTHORIZED, reason });
    const refusal = refusals.get(client);
    if (refusal || transport === 'internal') return refusal ?? null;
    const login = { clientId: client.id, password: password?.toString() || null, certificate };
    const reason = await gate.admit(client, login);
    if (reason !== null) {
      await guard.attempts.failed(address);
      return no(reason);
    }
    const grant = gate.grantOf(client);
    if (grant) {
      const { refusal, isSaid } = await guard.comings.came(sessionOfPeer(grant.sub));
      if (!isSaid) said.hush(client);
      if (refusal) {
        said.over(client, refusal, 'MQTT client refused');
        return { code: SERVER_UNAVAILABLE, reason: refusal.reason, refusal };
      }
      const together = gate.together(client);
      if (together > limits.connectionsPerPeer) {
        const reason = `it has ${together - 1} connections already`;
        const many = { limit: 'connectionsPerPeer', reason } as const;
        said.over(client, many, 'MQTT client refused');
        return { code: SERVER_UNAVAILABLE, reason, refusal: many };
      }
    }
    const will = connects.get(client)?.will;
    // Now, since a client that has gone can't be told.
    if (!will || gate.mayLeave(client, will.topic)) return null;
    return no(`it may not leave a will on '${shown(will.topic)}'`);
  }

  const aedes = await Aedes.createBroker({
    connectTimeout: limits.connectSeconds * 1000,
    maxInflightInbound: MAX_QOS2_IN_FLIGHT,
    keepaliveLimit: ONLOOKER_KEEPALIVE_LIMIT_S,
    maxClientsIdLength: MAX_CLIENT_ID_LENGTH,
    preConnect,
    authenticate(client, _username, password, done) {
      void whyNot(client, password).then((refusal) => {
        if (!refusal) return done(null, true);
        refusals.set(client, refusal);
        const error = refusal.refusal ? new LimitError(refusal.refusal) : new Error(refusal.reason);
        done(Object.assign(error, { returnCode: refusal.code }) as AuthenticateError, false);
      });
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
  aedes.on('client', (client) => {
    if (roleOf(client) !== 'server') clients.add(client);
    said.connected(client);
  });
  aedes.on('clientDisconnect', (client) => {
    clients.delete(client);
    said.disconnected(client);
  });
  aedes.on('clientError', (client, error) => {
    // Every write that was waiting reports the same, and what went over a limit was said.
    if (failed.has(client) || error instanceof LimitError) return;
    // Something was on its way to who has gone: a page that was left, a car that lost its network.
    if ([GONE, SILENT].includes(error.message) && !refusals.has(client)) return;
    failed.add(client);
    // With a refusal this is how Aedes reports that it closed the connection.
    const message = refusals.has(client) ? 'MQTT client refused' : 'MQTT client error';
    said.why(client, error.message, message);
  });
  aedes.on('connectionError', (client, error) => {
    if (error instanceof LimitError) return;
    if (error.message === CONNECT_LATE) {
      said.over(client, { limit: 'connectSeconds', reason: `no CONNECT within ${limits.connectSeconds} s` });
    } else said.why(client, error.message, 'MQTT connection refused');
  });
  aedes.on('keepaliveTimeout', (client) => said.once(client, 'MQTT client fell silent'));
  // Not in Aedes's types: a failure of its own storage. Without a listener it would end the process.
  (aedes as NodeJS.EventEmitter).on('error', (error: Error) => {
    log.error({ reason: error.message }, 'MQTT broker error');
  });

  function accept(connection: Connection): void {
    if (closing) {
      connection.stream.destroy();
      return;
    }
    const own = connection.transport === 'internal';
    const line = createLine({
      transport: connection,
      limits: own ? { ...limits, backlogBytes: Number.POSITIVE_INFINITY } : limits,
      clock,
      onOver: (refusal, isClosed) =>
        said.over(client, refusal, isClosed ? 'over a limit' : 'MQTT client slowed'),
    });
    connections.set(line.stream, { connection, line, backlog: createBacklog(line.backlog) });
    lines.add(line);
    const client = aedes.handle(line.stream);
  }

  return {
    accept,
    open() {
      const [ours, theirs] = duplexPair();
      // The end of one half is not heard of at the other.
      ours.once('close', () => theirs.destroy());
      theirs.once('close', () => ours.destroy());
      const backlog = () => ours.writableLength;
      accept({ stream: ours, transport: 'internal', remote: 'this process', address: undefined, backlog });
      return theirs;
    },
    clients: () => clients.size,
    close() {
      closing = true;
      gate.close();
      lines.close();
      return new Promise((resolve) => aedes.close(() => resolve()));
    },
  };
}

/** Of what is retained: vehicles have something to themselves, however many pages there are. */
const shareOf = (role: LimitedRole): number => (role === 'vehicle' || role === 'anyone' ? 1 : 0.5);

/** So much of a topic is shown in a log, characters. */
const MOST_SHOWN = 100;

/** A topic as it may be shown: without what would be no text. */
const shown = (topic: string): string =>
  printable(topic.slice(0, MOST_SHOWN)) + (topic.length > MOST_SHOWN ? '…' : '');
