/**
 * One MQTT connection: what arrives is parsed once, by its topic; what does not parse is dropped,
 * counted, and logged once for each topic kind and reason. Reconnects by itself.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Clock } from './clock.ts';
import { type Messages, parseMessage } from './messages.ts';
import { createTopics, type Topic, type TopicKind } from './topics.ts';

/** A client gives up waiting for CONNACK after this, ms. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Mean wait before reconnecting, ms; spread by half each way, so that a fleet doesn't come back at once. */
const RECONNECT_MS = 800;
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
  };
}[TopicKind];

export interface BusOptions {
  /** mqtt://, mqtts://, ws:// or wss:// address of the broker. */
  url: string;
  clientId: string;
  root?: string;
  /** Filters that are subscribed at QoS 1 on every connect, before `onConnect`. */
  filters: string[];
  will?: { topic: string; payload: string };
  /** Seconds; the broker notices a silent death after one and a half times this. */
  keepalive?: number;
  onMessage(incoming: Incoming): void;
  /** Connected, and the SUBSCRIBE is on its way; `subscribed` resolves when the broker has confirmed it. */
  onConnect?(subscribed: Promise<void>): void;
  onState?(state: BusState): void;
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

  const settings: IClientOptions = {
    clientId: options.clientId,
    protocolVersion: 4,
    clean: true,
    keepalive: options.keepalive ?? 10,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: Math.round(RECONNECT_MS * (0.5 + Math.random())),
    resubscribe: false,
    queueQoSZero: false,
    ...(options.will
      ? { will: { ...options.will, payload: toBytes(options.will.payload), qos: 1, retain: true } }
      : {}),
  };
  const client: MqttClient = mqtt.connect(options.url, settings);

  client.on('connect', () => {
    // Small packets must not wait for the acknowledgement of the one before (Nagle's algorithm).
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    const subscribed = client.subscribeAsync(options.filters, { qos: 1 }).then(
      () => {},
      (error) =>
        void (client.connected && options.log?.warn({ error: String(error) }, 'could not subscribe')),
    );
    setState({ state: 'connected' });
    options.onConnect?.(subscribed);
  });
  client.on('close', () => {
    if (state.state === 'connected' || state.state === 'connecting')
      setState({ state: 'offline', detail: problem });
  });
  client.on('error', (error) => {
    problem = error.message || String((error as { code?: unknown }).code);
    // A CONNACK with a return code (MQTT 3.1.1, table 3.1); anything else is tried again.
    if (typeof (error as { code?: unknown }).code !== 'number') return;
    client.end(true);
    setState({ state: 'refused', detail: error.message });
  });
  client.on('message', (name, payload, packet) => {
    const topic = topics.parse(name);
    if (topic === null) return drop('topic', 'is none of the protocol');
    const base = { kind: topic.kind, topic, retained: packet.retain };
    if (payload.byteLength === 0) return options.onMessage({ ...base, message: null } as Incoming);
    const parsed = parseMessage(topic.kind, payload);
    if (!parsed.ok) return drop(topic.kind, parsed.reason, name);
    options.onMessage({ ...base, message: parsed.value } as Incoming);
  });

  function setState(next: BusState): void {
    if (state.state === next.state) return;
    state = next;
    options.onState?.(next);
  }

  function drop(what: string, why: string, topic?: string): void {
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
     */
    publish(topic: string, payload: string, { qos = 1 as 0 | 1, retain = false } = {}): void {
      if (client.connected) client.publish(topic, payload, { qos, retain }, () => {});
    },
    /** Leaves with a DISCONNECT, so that the will is not published; resolves when all is sent or 1 s is over. */
    close(): Promise<void> {
      setState({ state: 'closed' });
      return new Promise((resolve) => {
        const cancel = options.clock.after(1_000, () => client.end(true, () => resolve()));
        client.end(false, () => {
          cancel();
          resolve();
        });
      });
    },
    /** Connects again with another will. */
    reconnectWith(will: { topic: string; payload: string }): void {
      client.options.will = { ...will, payload: toBytes(will.payload), qos: 1, retain: true };
      client.end(false, () => client.reconnect());
    },
  };
}

/** mqtt.js wants a Buffer type, and takes any bytes (none for an empty will). */
const toBytes = (text: string) => new TextEncoder().encode(text) as unknown as Buffer;
