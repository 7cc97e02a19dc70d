/**
 * Every limit of the server in one table: what it bounds, what it is unless configured, and what happens
 * over it. Options, environment variables, metric labels and the table in docs/operations.md follow from it.
 *
 * The values suit a fleet of a thousand vehicles behind one server, and hold a Raspberry Pi's memory together.
 */
import { type Clock, systemClock } from '../../shared/clock.ts';

/** Who a client is: one of the access rules' roles, `anyone` without them, `server` for the server's own. */
export const RATED_ROLES = ['vehicle', 'operator', 'supervisor', 'monitor', 'anyone'] as const;
export type RatedRole = (typeof RATED_ROLES)[number];
export type LimitedRole = RatedRole | 'server';

interface Definition {
  kind: 'number' | 'bytes' | 'seconds';
  value: number;
  min: number;
  max: number;
  /** What it bounds, for the help text and the documentation. */
  what: string;
  /** What happens over it, for the documentation. */
  over: string;
}

const limit = (
  kind: Definition['kind'],
  value: number,
  [min, max]: [number, number],
  what: string,
  over: string,
): Definition => ({ kind, value, min, max, what, over });

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  connections: limit(
    'number',
    4_000,
    [1, 1_000_000],
    'connections in all: MQTT, WebSocket and HTTP',
    'the new one is refused: CONNACK 3, HTTP 503',
  ),
  connectionsPerAddress: limit(
    'number',
    2_000,
    [1, 1_000_000],
    'connections from one IPv4 address or IPv6 /64',
    'the new one is refused: CONNACK 3, HTTP 503',
  ),
  connectSeconds: limit(
    'seconds',
    5,
    [1, 300],
    'time for a TLS handshake, and until CONNECT, also after a WebSocket upgrade',
    'closed',
  ),
  connects: limit(
    'number',
    300,
    [10, 1_000_000],
    'connects of one peer in a minute, where it takes a token to come in',
    'CONNACK 3',
  ),
  connectionsPerPeer: limit(
    'number',
    16,
    [2, 10_000],
    'connections of one peer, or of one browser’s pages, where it takes a token to come in',
    'CONNACK 3',
  ),
  requests: limit(
    'number',
    400,
    [10, 1_000_000],
    'HTTP requests a second from one address; at once as many as in 5 s',
    'HTTP 429 with Retry-After, after a second',
  ),
  httpSeconds: limit(
    'seconds',
    10,
    [1, 300],
    'time until an HTTP request is there, headers and body',
    'HTTP 408, closed',
  ),
  responseSeconds: limit('seconds', 120, [5, 3_600], 'time until an HTTP answer has been taken', 'closed'),
  headerBytes: limit('bytes', 16 * KIB, [1 * KIB, 1 * MIB], 'headers of an HTTP request', 'HTTP 431, closed'),
  messageBytes: limit(
    'bytes',
    128 * KIB,
    [64 * KIB, 64 * MIB],
    'payload of one MQTT message; the protocol needs 64 KiB',
    'closed before it is read; WebSocket 1009',
  ),
  controlBytes: limit(
    'bytes',
    32 * KIB,
    [1 * KIB, 1 * MIB],
    'any MQTT packet but PUBLISH, and so filters in one SUBSCRIBE',
    'closed before it is read',
  ),
  topicBytes: limit(
    'bytes',
    256,
    [64, 65_535],
    'length of a topic or filter',
    'closed; for a filter SUBACK 128',
  ),
  topicLevels: limit(
    'number',
    16,
    [6, 100],
    'levels of a topic or filter, with one for the topic root',
    'closed; for a filter SUBACK 128',
  ),
  messages: limit(
    'number',
    0,
    [1, 1_000_000],
    'MQTT packets a second from one client, by role',
    'slowed: no longer read until it fits again',
  ),
  bytes: limit(
    'bytes',
    0,
    [1 * KIB, 1024 * MIB],
    'bytes a second from one client, by role',
    'slowed: no longer read until it fits again',
  ),
  slowedSeconds: limit('seconds', 30, [1, 3_600], 'time that a client may stay slowed', 'closed'),
  subscriptions: limit('number', 200, [1, 100_000], 'subscriptions of one client', 'SUBACK 128'),
  rooms: limit(
    'number',
    1_000,
    [1, 1_000_000],
    'rooms that one client names in topics and filters',
    'closed; for a filter SUBACK 128',
  ),
  retainedMessages: limit(
    'number',
    20_000,
    [1, 10_000_000],
    'retained messages in all',
    'QoS 0: passed on, not kept; QoS 1 and 2: closed',
  ),
  retainedBytes: limit(
    'bytes',
    64 * MIB,
    [64 * KIB, 1024 * MIB],
    'topics and payloads of retained messages in all',
    'QoS 0: passed on, not kept; QoS 1 and 2: closed',
  ),
  retainedPerClient: limit(
    'number',
    2_000,
    [1, 10_000_000],
    'retained messages that one client put there',
    'QoS 0: passed on, not kept; QoS 1 and 2: closed',
  ),
  backlogBytes: limit(
    'bytes',
    1 * MIB,
    [128 * KIB, 1024 * MIB],
    'what waits to be sent to one client; QoS 0 is dropped from 8 KiB on',
    'closed',
  ),
  stalledSeconds: limit(
    'seconds',
    4,
    [1, 300],
    'time in which a client takes nothing of what waits',
    'closed',
  ),
  answerSeconds: limit('seconds', 8, [2, 300], 'time for a PUBACK, and for a pong over WebSocket', 'closed'),
  loginFailures: limit(
    'number',
    20,
    [1, 1_000_000],
    'failed log-in attempts from one address in --limit-login-seconds',
    'CONNACK 5, HTTP 429 with Retry-After',
  ),
  loginSeconds: limit(
    'seconds',
    60,
    [1, 86_400],
    'time in which failed log-in attempts count, and for which it is then over the limit',
    'none: they count anew',
  ),
} satisfies Record<string, Definition>;

export type LimitName = keyof typeof LIMITS;
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** `messages` and `bytes` are a second, and by role. */
export type Limits = Record<Exclude<LimitName, 'messages' | 'bytes'>, number> & {
  messages: Record<RatedRole, number>;
  bytes: Record<RatedRole, number>;
};

/**
 * A vehicle publishes telemetry at 10 Hz, and ICE and SDP for several operators at once; an operator its half
 * of that. Without access control one client may stand for a whole fleet.
 */
export const DEFAULT_LIMITS: Limits = {
  ...(Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].value])) as Record<LimitName, number>),
  messages: { vehicle: 100, operator: 50, supervisor: 50, monitor: 20, anyone: 2_000 },
  bytes: {
    vehicle: 512 * KIB,
    operator: 256 * KIB,
    supervisor: 256 * KIB,
    monitor: 32 * KIB,
    anyone: 16 * MIB,
  },
};

/** At once, a client may send what it may send in this time. */
export const BURST_S = 5;

/** `connectionsPerAddress` is `connections-per-address`: in options and in metrics. */
export const kebab = (name: LimitName): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Something went over a limit. */
export interface Refusal {
  limit: LimitName;
  /** One clause for the log and for the client. */
  reason: string;
}

/** Time that is not moved by whoever sets the machine's clock, ms. */
export const steadyClock: Clock = { ...systemClock, now: () => performance.now() };

/** An error that was counted and logged already. */
export class LimitError extends Error {
  readonly limit: LimitName;

  constructor({ limit, reason }: Refusal) {
    super(reason);
    this.limit = limit;
  }
}
