/**
 * The MQTT side of one peer in its room: it subscribes, announces itself, leaves a will, keeps its
 * retained messages true across reconnects, and notices when another run has taken its place.
 */
import { type BusOptions, type BusState, createBus, type Incoming } from './bus.ts';
import type { Clock } from './clock.ts';
import { type Body, buildMessage, MAX_EPOCH } from './messages.ts';
import { createTopics, type TopicKind } from './topics.ts';

/** Seconds between keepalives; a death is known to the broker after one and a half times this. */
const KEEPALIVE_S = 10;
/** How long a vehicle waits for its own retained presence before it says that it is there, ms. */
const READ_OWN_MS = 200;

export interface SignallingOptions
  extends Pick<BusOptions, 'url' | 'root' | 'openSocket' | 'credentials' | 'tls'> {
  room: string;
  self: string;
  role: 'vehicle' | 'operator';
  name?: string | undefined;
  /** What this peer's presence says beside, as it is when it is published. */
  details?(): Pick<Body<'presence'>, 'prepares' | 'preparing' | 'supervises'>;
  /** Extra filters, as text, beside the room's presence and what is addressed to this peer. */
  filters: string[];
  /** False: connect and subscribe, but stay unseen until `announce` is called (operators). */
  announceAtOnce: boolean;
  /** What comes, this peer's own presence included. */
  onMessage(incoming: Incoming): void;
  /** What this peer says; `reached` is false when there was no connection to the broker. */
  onSent?(kind: TopicKind, text: string, reached: boolean): void;
  /** A message was of no use. */
  onDrop?(what: string, why: string): void;
  /** The broker can be reached (again), and what is addressed to this peer is subscribed to. */
  onConnected?(): void;
  /** This peer is present, as this run. Called again after each reconnect. */
  onAnnounced(epoch: number): void;
  onState(state: BusState): void;
  /** A newer run of this peer has taken its place; this one has left. */
  onReplaced(): void;
  clock: Clock;
  log?: { warn(fields: object, message: string): void };
}

export type Signalling = ReturnType<typeof createSignalling>;

export function createSignalling(options: SignallingOptions) {
  const { room, self, role, clock } = options;
  const topics = createTopics(options.root);
  const own = topics.presence(room, self);
  const retained = new Map<string, () => string>();
  let epoch = clock.now();
  let since = epoch;
  let wanted = options.announceAtOnce;
  /** Whether this run's presence has been published in this connection, and ever. */
  let announced: 'no' | 'before' | 'now' = 'no';
  /** An operator's presence that has gone with the CONNECT of this connection. */
  let saidFirst: string | null = null;
  const early: Incoming[] = [];
  let over = false;
  let cancelReading = () => {};

  const bus = createBus({
    url: options.url,
    clientId: self,
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.openSocket ? { openSocket: options.openSocket } : {}),
    credentials: options.credentials,
    tls: options.tls,
    filters: [
      topics.presence(room, self),
      topics.filters.presence(room),
      ...topics.filters.addressedTo(room, self),
    ].concat(options.filters),
    will: { topic: own, payload: will() },
    keepalive: KEEPALIVE_S,
    firstWords() {
      // An operator's id is new for each page: nobody else can have been there under it. A vehicle looks first.
      saidFirst = role === 'operator' && wanted ? presence('online') : null;
      return saidFirst === null ? [] : [{ topic: own, payload: saidFirst, retain: true }];
    },
    clock,
    ...(options.log ? { log: options.log } : {}),
    ...(options.onDrop ? { onDrop: options.onDrop } : {}),
    onState(state) {
      if (state.state === 'offline' && announced === 'now') announced = 'before';
      options.onState(state);
    },
    onConnect(subscribed) {
      cancelReading();
      options.onConnected?.();
      if (role === 'operator' && saidFirst !== null && !over) {
        // Whether it reached the broker is known by now.
        options.onSent?.('presence', saidFirst, true);
        return present();
      }
      if (role === 'operator') return announceIfWanted();
      void subscribed.then(() => {
        cancelReading = clock.after(READ_OWN_MS, announceIfWanted);
      });
    },
    onMessage(incoming) {
      if (over) return;
      if (incoming.kind === 'presence' && incoming.topic.peer === self) {
        // Of another kind, or of a run that none could follow: somebody else's word under this name.
        const { message } = incoming;
        const mine = message === null || (message.role === role && message.epoch < MAX_EPOCH);
        if (!mine) bus.drop('presence', 'of no run of this peer under its id');
        ownPresence(mine ? message : null);
        if (!mine) return;
      }
      // The others' words wait until this run's epoch is settled.
      if (role === 'vehicle' && announced === 'no') early.push(incoming);
      else options.onMessage(incoming);
    },
  });

  function ownPresence(message: Extract<Incoming, { kind: 'presence' }>['message']): void {
    const reading = announced !== 'now';
    cancelReading();
    if (message !== null && message.epoch > epoch) {
      if (announced !== 'no') return replaced();
      // Before its first word: the clock may have been set back since the last run.
      epoch = message.epoch + 1;
      since = epoch;
      return bus.reconnectWith({ topic: own, payload: will() });
    }
    if (reading) return announceIfWanted();
    // The death of an earlier run, or of an earlier connection, came late.
    if (message === null || message.state !== 'online') announceIfWanted();
  }

  function replaced(): void {
    over = true;
    options.onReplaced();
    void bus.close();
  }

  function announceIfWanted(): void {
    if (!wanted || over) return;
    put('presence', own, presence('online'), { retain: true });
    present();
  }

  /** This run's presence is published; what hangs on it follows. */
  function present(): void {
    announced = 'now';
    for (const [topic, payload] of retained) bus.publish(topic, payload(), { retain: true });
    options.onAnnounced(epoch);
    for (const incoming of early.splice(0)) options.onMessage(incoming);
  }

  function put(kind: TopicKind, topic: string, text: string, settings?: { qos?: 0 | 1; retain?: boolean }) {
    const reached = bus.publish(topic, text, settings);
    options.onSent?.(kind, text, reached);
  }

  function presence(state: 'online' | 'offline' | 'lost'): string {
    const name = options.name === undefined ? {} : { name: options.name };
    const details = state === 'online' ? options.details?.() : {};
    return buildMessage('presence', { state, role, epoch, since, ...name, ...details }, clock.now());
  }

  /** An operator that is gone leaves nothing behind; a vehicle stays in the list, as lost. */
  function will(): string {
    return role === 'operator' ? '' : presence('lost');
  }

  /** Publishes a message of this peer. */
  function publish<Kind extends TopicKind>(
    kind: Kind,
    topic: string,
    body: Body<Kind>,
    settings?: { qos?: 0 | 1; retain?: boolean },
  ): void {
    put(kind, topic, buildMessage(kind, body, clock.now()), settings);
  }

  return {
    topics,
    get epoch(): number {
      return epoch;
    },
    get state(): BusState {
      return bus.state;
    },
    dropped: bus.dropped,
    drop: bus.drop,
    /** Sees whether the broker is still there, and connects anew at once if it is not. @returns what is known now */
    check(): boolean {
      bus.check();
      return bus.state.state === 'connected';
    },
    /** Connects anew at once, as this machine's network is another one. */
    renew: bus.renew,

    /** Says that this peer is there (again). */
    announce(): void {
      wanted = true;
      if (bus.state.state === 'connected' && (role === 'operator' || announced === 'now')) announceIfWanted();
    },

    /** What this peer says to another one. */
    to: (peer: string) => ({
      sdp: (body: Body<'sdp'>) => publish('sdp', topics.sdp(room, self, peer), body),
      ice: (body: Body<'ice'>) => publish('ice', topics.ice(room, self, peer), body),
      bye: (body: Body<'bye'>) => publish('bye', topics.bye(room, self, peer), body),
      report: (body: Body<'report'>) => publish('report', topics.report(room, self, peer), body),
    }),

    publish,

    /** Publishes a retained message and says it again after every reconnect, as it is then. */
    retain<Kind extends TopicKind>(kind: Kind, topic: string, body: () => Body<Kind>): void {
      const payload = () => buildMessage(kind, body(), clock.now());
      retained.set(topic, payload);
      if (announced === 'now') bus.publish(topic, payload(), { retain: true });
    },

    /** Leaves for good: clears what was retained, says offline, disconnects. */
    async close(): Promise<void> {
      if (over) return;
      over = true;
      cancelReading();
      if (announced !== 'no') {
        for (const topic of retained.keys()) bus.publish(topic, '', { retain: true });
        since = clock.now();
        put('presence', own, role === 'operator' ? '' : presence('offline'), { retain: true });
      }
      await bus.close();
    },
  };
}
