/**
 * One MQTT connection: what arrives is parsed once, by its topic; what does not parse is dropped,
 * counted, and logged once for each topic kind and reason. Reconnects by itself, and at once when it is
 * told that something may be wrong and finds that it is: the keepalive alone notices in 10 to 15 s.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import { wordsOf } from './estop-words.ts';
import { sayWithConnect, type Word } from './first-flight.ts';
import { createLogin } from './login.ts';
import { type Messages, parseMessage } from './messages.ts';
import { createTopics, type Topic, type TopicKind } from './topics.ts';

/** A client gives up waiting for CONNACK after this, ms. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Longest wait before the first new attempt, ms; random, so that a fleet doesn't come back at once. */
const FIRST_RECONNECT_MS = 200;
/** Mean wait before each further attempt, ms; spread by half each way. */
const RECONNECT_MS = 800;
/** Least and most time that the broker gets to answer a ping, ms; between them three round trips. */
const LEAST_ANSWER_MS = 150;
const MOST_ANSWER_MS = 1_000;
/** A process that stood still gets this long to read what has come meanwhile, ms. */
const READ_MS = 50;
/** While it matters, an attempt to connect that has taken longer is given up for a new one, ms. */
const STALE_ATTEMPT_MS = 1_500;
/** CONNACK's return code for what passes: a server that is full, or a client that has come too often. */
const SERVER_UNAVAILABLE = 3;
/** CONNACK's return codes for a login that is not taken (MQTT 3.1.1, table 3.1). */
const NOT_LET_IN = [4, 5];
/** Different reasons that are logged, in all; after that they are only counted. */
const MAX_LOGGED = 50;

export type BusState =
  | { state: 'connecting' }
  | { state: 'connected' }
  /** The connection is lost and will be tried again. */
  | { state: 'offline'; detail: string }
  /** The broker refused the connection; it is not tried again. */
  | { state: 'refused'; detail: string }
  | { state: 'closed' };

/** A parsed message; null when a retained message was cleared. */
export type Incoming = {
  [Kind in TopicKind]: {
    kind: Kind;
    topic: Extract<Topic, { kind: Kind }>;
    message: Messages[Kind] | null;
    /** The broker had it stored: it may be of any age. */
    retained: boolean;
    /** Size of the payload. */
    bytes: number;
    /** Of an emergency stop in words of its own: those, or as many as are shown. */
    text?: string;
  };
}[TopicKind];

export interface BusOptions {
  /** mqtt://, mqtts://, ws:// or wss:// address of the broker. */
  url: string;
  clientId: string;
  root?: string;
  /** Browsers: opens a WebSocket, or hands out one that is open already. */
  openSocket?(url: string): unknown;
  /** Filters that are subscribed at QoS 1 with every CONNECT. */
  filters: string[];
  /** What is published right after that, without waiting whether the broker lets this client in. */
  firstWords?(): Word[];
  will?: { topic: string; payload: string };
  /** Where there is access control. */
  credentials?: Credentials | undefined;
  /** Seconds; the broker notices a silent death after one and a half times this. */
  keepalive?: number;
  /** Certificate to show to the broker, PEM; not in browsers, which have their own. */
  tls?: { cert: string; key: string } | undefined;
  onMessage(incoming: Incoming): void;
  /** Connected; `subscribed` resolves when the broker has confirmed the SUBSCRIBE. */
  onConnect?(subscribed: Promise<void>): void;
  onState?(state: BusState): void;
  /** A message was of no use. */
  onDrop?(what: string, why: string): void;
  log?: { warn(fields: object, message: string): void };
  clock: Clock;
}

export type Bus = ReturnType<typeof createBus>;

export function createBus(options: BusOptions) {
  const topics = createTopics(options.root);
  const dropped = new Map<string, number>();
  let state: BusState = { state: 'connecting' };
  /** Why the connection was lost, or can't be made. */
  let problem = 'the connection was closed';
  let { will } = options;
  let client: MqttClient | null = null;
  /** When the current attempt began, ms; null while the next is being waited for. */
  let attemptAt: number | null = null;
  let failures = 0;
  /** Of the connection's first ping, ms. */
  let roundTrip = LEAST_ANSWER_MS;
  let cancelRetry = () => {};
  let cancelCheck: (() => void) | null = null;
  const login = createLogin({
    credentials: options.credentials,
    clock: options.clock,
    // A connection with the old ones goes on until the new one follows it.
    onNew: () => (state.state === 'connected' ? reopen() : open()),
    onRefused: refused,
    onProblem(detail) {
      if (state.state === 'connected') return;
      problem = detail;
      setState({ state: 'offline', detail });
    },
  });

  if (login.ready()) open();

  function open(): void {
    cancelRetry();
    // Without them there is nothing to be had; it goes on when they are there.
    if (!login.ready()) return;
    attemptAt = options.clock.now();
    const mine = mqtt.connect(options.url, {
      clientId: options.clientId,
      protocolVersion: 4,
      clean: true,
      keepalive: options.keepalive ?? 10,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      manualConnect: true,
      ...login.say(),
      // MQTT.js leaves out the brackets of an IPv6 address.
      transformWsUrl: () => withoutLogin(options.url),
      ...(options.openSocket ? { createWebsocket: options.openSocket } : {}),
      ...options.tls,
      ...(will ? { will: { ...will, payload: toBytes(will.payload), qos: 1, retain: true } } : {}),
    });
    client = mine;
    /** What a connection says that was given up for another one is of no interest. */
    const current =
      <Args extends unknown[]>(listener: (...args: Args) => void) =>
      (...args: Args) => {
        if (client === mine && state.state !== 'closed') listener(...args);
      };
    mine.on(
      'connect',
      current(() => connected(subscribed)),
    );
    mine.on('close', current(lost));
    mine.on('error', current(failed));
    mine.on('message', current(received));
    mine.on('packetreceive', current(alive));
    mine.connect();
    // Small packets must not wait for the acknowledgement of the one before (Nagle's algorithm).
    (mine.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    const subscribed = sayWithConnect(mine, options.filters, options.firstWords?.() ?? []).catch((error) =>
      options.log?.warn({ error: String(error) }, 'could not subscribe'),
    );
  }

  function connected(subscribed: Promise<void>): void {
    failures = 0;
    problem = 'the connection was closed';
    login.accepted();
    const asked = options.clock.now();
    client?.once('packetreceive', function measure(this: MqttClient, packet) {
      if (packet.cmd === 'pingresp') roundTrip = options.clock.now() - asked;
      else this.once('packetreceive', measure);
    });
    client?.sendPing();
    setState({ state: 'connected' });
    options.onConnect?.(subscribed);
  }

  function lost(): void {
    alive();
    attemptAt = null;
    if (state.state === 'refused') return;
    setState({ state: 'offline', detail: problem });
    const wait = failures++ === 0 ? FIRST_RECONNECT_MS * Math.random() : RECONNECT_MS * (0.5 + Math.random());
    cancelRetry = options.clock.after(wait, open);
  }

  function failed(error: Error): void {
    problem = error.message || String((error as { code?: unknown }).code);
    // A CONNACK with a return code (MQTT 3.1.1, table 3.1); anything else is tried again.
    const { code } = error as { code?: unknown };
    if (typeof code !== 'number' || code === SERVER_UNAVAILABLE) return;
    if (NOT_LET_IN.includes(code) && login.rejected()) return abandon();
    refused(error.message);
  }

  function refused(detail: string): void {
    setState({ state: 'refused', detail });
    abandon();
  }

  function received(name: string, payload: Uint8Array, packet: { retain: boolean }): void {
    const topic = topics.parse(name);
    if (topic === null) return drop('topic', 'is none of the protocol');
    const base = { kind: topic.kind, topic, retained: packet.retain, bytes: payload.byteLength };
    if (payload.byteLength === 0) return options.onMessage({ ...base, message: null } as Incoming);
    const parsed = parseMessage(topic.kind, payload);
    // An emergency stop is one however it is written.
    if (!parsed.ok && topic.kind !== 'estop') return drop(topic.kind, parsed.reason, name);
    const text = parsed.ok ? {} : { text: wordsOf(payload) };
    options.onMessage({ ...base, ...text, message: parsed.ok ? parsed.value : null } as Incoming);
  }

  /** The broker is there. */
  function alive(): void {
    cancelCheck?.();
    cancelCheck = null;
  }

  /** Leaves a connection to itself; there is no time to wait for its end. */
  function abandon(): void {
    const old = client;
    alive();
    cancelRetry();
    old?.end(true);
  }

  function check(): void {
    const now = options.clock.now();
    if (state.state === 'connected') {
      if (cancelCheck) return;
      const patience = Math.min(Math.max(3 * roundTrip, LEAST_ANSWER_MS), MOST_ANSWER_MS);
      const giveUp = () => {
        problem = `the broker did not answer for ${patience} ms`;
        setState({ state: 'offline', detail: problem });
        replace();
      };
      cancelCheck = options.clock.after(patience, () => {
        cancelCheck = options.clock.after(READ_MS, giveUp);
      });
      client?.sendPing();
    } else if (state.state !== 'closed' && state.state !== 'refused') {
      if (attemptAt === null || now - attemptAt >= STALE_ATTEMPT_MS) replace();
    }
  }

  function replace(): void {
    const old = client;
    alive();
    open();
    if (old !== client) old?.end(true);
  }

  /** Leaves and comes again, by its own will: no will is published. */
  function reopen(): void {
    const old = client;
    alive();
    // The new connection must not come before this one's goodbye, or its will is published.
    old?.end(false, () => {
      if (client === old && state.state !== 'closed') open();
    });
  }

  function setState(next: BusState): void {
    if (state.state === next.state) return;
    state = next;
    options.onState?.(next);
  }

  function drop(what: string, why: string, topic?: string): void {
    options.onDrop?.(what, why);
    const key = `${what}: ${why}`;
    const count = dropped.get(key) ?? 0;
    // Keys come from the wire, so their number is bounded like everything from there.
    if (count > 0 || dropped.size < MAX_LOGGED) dropped.set(key, count + 1);
    else dropped.set('other', (dropped.get('other') ?? 0) + 1);
    if (count === 0 && dropped.size < MAX_LOGGED)
      options.log?.warn({ topic, what, why }, 'dropped a message');
  }

  return {
    topics,
    get state(): BusState {
      return state;
    },
    /** What was dropped and why, with counts. */
    dropped: (): Record<string, number> => Object.fromEntries(dropped),
    drop,
    /**
     * Publishes, if connected: what can't be sent now is not kept, as it would be out of date when it
     * arrives; whoever needs it says it again on `onConnect`.
     * @returns whether it was sent
     */
    publish(topic: string, payload: string, { qos = 1 as 0 | 1, retain = false } = {}): boolean {
      if (!client?.connected) return false;
      client.publish(topic, payload, { qos, retain }, () => {});
      return true;
    },
    /**
     * Something may be wrong with the network: if the broker does not answer at once, a new connection is
     * made, and one that is being waited for is tried now.
     */
    check,
    /** The network is another one: a new connection is made at once, whatever has become of this one. */
    renew(): void {
      if (state.state === 'closed' || state.state === 'refused') return;
      problem = 'the network has changed';
      setState({ state: 'offline', detail: problem });
      replace();
    },
    /** Leaves with a DISCONNECT, so that the will is not published; resolves when all is sent or 1 s is over. */
    close(): Promise<void> {
      setState({ state: 'closed' });
      alive();
      cancelRetry();
      login.close();
      const last = client;
      if (!last) return Promise.resolve();
      return new Promise((resolve) => {
        const cancel = options.clock.after(1_000, () => last.end(true, () => resolve()));
        last.end(false, () => {
          cancel();
          resolve();
        });
      });
    },
    /** Connects again with another will. */
    reconnectWith(next: { topic: string; payload: string }): void {
      will = next;
      reopen();
    },
  };
}

/** mqtt.js wants a Buffer type, and takes any bytes (none for an empty will). */
/** WebSockets take none in their address; it goes into CONNECT. */
function withoutLogin(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

const toBytes = (text: string) => new TextEncoder().encode(text) as unknown as Buffer;
