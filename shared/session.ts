/**
 * What a vehicle and an operator have between them: runs the effects of the negotiation on peer connections, a
 * sender and a clock, and keeps both ends hearing of each other. There is one connection, and for a moment two,
 * while another one is made to take its place.
 */
import type { Incoming } from './bus.ts';
import type { ChannelName } from './channels.ts';
import type { Clock } from './clock.ts';
import { BEAT, createHeartbeat, type Heartbeat, SILENCE_MS } from './heartbeat.ts';
import type { Candidate } from './messages.ts';
import {
  attemptOf,
  type Effect,
  type Event,
  initialState,
  isLive,
  type Link,
  type Role,
  type State,
  step,
} from './negotiation.ts';
import type { CreatePeer, PathStats, Peer, PeerHandlers } from './peer.ts';
import { NOTHING_REPORTED, type PeerReport } from './report.ts';

/** A connection that another one has taken over from is kept for what is on its way, ms. */
const RETIRE_MS = 1_000;

type Body<Type extends Effect['type']> = Extract<Effect, { type: Type; body: unknown }>['body'];

/** A peer connection of one session. */
interface Line {
  readonly session: string;
  readonly peer: Peer;
  /** Null until both channels are open. */
  heart: Heartbeat | null;
  /** Another one has taken over; this undoes its end. */
  stopRetiring: (() => void) | null;
}

export interface SessionOptions {
  role: Role;
  /** This end's own run, ms since the epoch. */
  epoch: number;
  /** Sessions with the same peer that this end has made before (offerer). */
  made?: number;
  createPeer: CreatePeer;
  send: {
    sdp(body: Body<'sendSdp'>): void;
    ice(body: Body<'sendIce'>): void;
    bye(body: Body<'sendBye'>): void;
  };
  /** Publishes this end's presence again. */
  announce(): void;
  /** Sees whether the broker is still there. */
  checkBroker(): void;
  /** The link changed; look at what it is now. */
  onLink(link: Link, before: Link): void;
  /** Whether a message is to be looked at; all are, unless given. */
  admits?(channel: ChannelName): boolean;
  onMessage(channel: ChannelName, text: string): void;
  /** What this end knows of the network in a session; nothing yet when it begins. */
  onReport?(session: string, report: PeerReport): void;
  /** A peer connection that was connected is about to be closed; the last of its figures. */
  onClosing?(session: string, last: Promise<PathStats | null>): void;
  /** An event that was of no use: to be counted. */
  onDrop(what: string, why: string): void;
  clock: Clock;
}

export type Session = ReturnType<typeof createSession>;

export function createSession(options: SessionOptions) {
  const { clock, send } = options;
  let state: State = initialState(options.role, options.epoch, options.made);
  const lines = new Map<string, Line>();
  const queue: Event[] = [];
  let busy = false;
  let disarm = () => {};

  /** The one place that changes the state. Events that effects cause wait for their turn. */
  function dispatch(event: Event): void {
    queue.push(event);
    if (busy) return;
    busy = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) advance(next);
    } finally {
      busy = false;
    }
  }

  function advance(event: Event): void {
    const before = state.link;
    const [next, effects] = step(state, event);
    state = next;
    for (const effect of effects) run(effect);
    if (next.link !== before) options.onLink(next.link, before);
  }

  function run(effect: Effect): void {
    switch (effect.type) {
      case 'open':
        return open(effect.session);
      case 'close':
        return close(effect.session);
      case 'retire':
        return retire(effect.session);
      case 'makeOffer':
        return describe(effect.session, (peer) => peer.createOffer());
      case 'takeOffer':
        return describe(effect.session, (peer) => peer.acceptOffer(effect.sdp));
      case 'takeAnswer':
        return describe(effect.session, async (peer) => {
          await peer.acceptAnswer(effect.sdp);
          return null;
        });
      case 'addCandidates': {
        const peer = lines.get(effect.session)?.peer;
        for (const candidate of effect.candidates) void peer?.addCandidate(candidate);
        if (effect.done) void peer?.addCandidate(null);
        return;
      }
      case 'sendSdp':
        return send.sdp(effect.body);
      case 'sendIce':
        return send.ice(effect.body);
      case 'sendBye':
        return send.bye(effect.body);
      case 'announce':
        return options.announce();
      case 'arm':
        disarm();
        disarm = clock.after(effect.ms, () => dispatch({ type: 'timeout' }));
        return;
      case 'disarm':
        return disarm();
      case 'drop':
        return options.onDrop(effect.what, effect.why);
    }
  }

  const transport = (session: string, now: 'connected' | 'silent' | 'failed', detail?: string) =>
    dispatch({ type: 'transport', session, state: now, ...(detail === undefined ? {} : { detail }) });

  // Connections: made, open, heard, and closed

  function open(session: string): void {
    const gathered = batch<Candidate | null>((all) => {
      const candidates = all.filter((candidate) => candidate !== null);
      dispatch({ type: 'gathered', session, candidates, done: candidates.length < all.length });
    });
    const report = (now: PeerReport) => options.onReport?.(session, now);
    const handlers: PeerHandlers = {
      candidate: gathered,
      open: () => opened(session),
      closed: () => closedThere(session),
      failed: (detail) => transport(session, 'failed', detail),
      message: (channel, text) => {
        if (options.admits?.(channel) === false) return;
        heard(session);
        if (channel !== 'control' || text !== BEAT) options.onMessage(channel, text);
      },
      report,
    };
    report(NOTHING_REPORTED);
    try {
      lines.set(session, { session, peer: options.createPeer(handlers), heart: null, stopRetiring: null });
    } catch (error) {
      // A browser refuses ICE servers that it can't read, for one.
      report({ ...NOTHING_REPORTED, notes: [sentence(error)] });
      transport(session, 'failed', sentence(error));
    }
  }

  function opened(session: string): void {
    const line = lines.get(session);
    if (!line || line.heart) return;
    line.heart = heartbeat(line);
    line.peer.send('control', BEAT);
    // One that is made beside another takes over when it is heard: it is open at the other end as well, then.
    if (state.link.phase === 'connecting') transport(session, 'connected');
  }

  function heartbeat(line: Line): Heartbeat {
    const { session, peer } = line;
    return createHeartbeat({
      beat: () => peer.send('control', BEAT),
      onQuiet() {
        if (!isInUse(session)) return;
        peer.probe?.();
        options.checkBroker();
      },
      onSound() {
        peer.resumed?.();
        // What has brought the path back may have brought the broker too.
        if (isInUse(session)) options.checkBroker();
      },
      onSilence() {
        if (isInUse(session) && state.link.phase === 'connected') {
          transport(session, 'silent', `nothing was heard for ${SILENCE_MS} ms`);
        }
      },
      clock,
    });
  }

  const isInUse = (session: string) => isLive(state.link) && state.link.session === session;

  function heard(session: string): void {
    const line = lines.get(session);
    if (!line?.heart || line.stopRetiring) return;
    line.heart.heard();
    const back = isInUse(session) && state.link.phase === 'restoring';
    if (back || attemptOf(state.link)?.session === session) transport(session, 'connected');
  }

  /** As good as a goodbye, while there was nothing wrong with the connection. */
  function closedThere(session: string): void {
    if (lines.get(session)?.stopRetiring) return;
    const detail = 'the other end closed the connection';
    if (isInUse(session) && state.link.phase === 'connected' && !state.link.replacement)
      dispatch({ type: 'bye', message: { session, reason: 'left', detail } });
    else transport(session, 'failed', detail);
  }

  function retire(session: string): void {
    const line = lines.get(session);
    if (!line) return;
    line.heart?.stop();
    line.stopRetiring = clock.after(RETIRE_MS, () => close(session));
  }

  function close(session: string): void {
    const line = lines.get(session);
    if (!line) return;
    lines.delete(session);
    line.heart?.stop();
    line.stopRetiring?.();
    options.onClosing?.(
      session,
      line.peer.stats().catch(() => null),
    );
    line.peer.close();
  }

  /** Makes or takes a description; what comes of it is an event, and the negotiation knows if it is too late. */
  function describe(session: string, act: (peer: Peer) => Promise<string | null>): void {
    const line = lines.get(session);
    if (!line) return;
    act(line.peer).then(
      (sdp) => sdp !== null && dispatch({ type: 'described', session, sdp }),
      (error) => transport(session, 'failed', sentence(error)),
    );
  }

  const inUse = () => (isLive(state.link) ? lines.get(state.link.session) : undefined);

  return {
    dispatch,
    get link(): Link {
      return state.link;
    },
    /** Sessions that this end has made. */
    get made(): number {
      return state.made;
    },
    /**
     * Sends on a data channel; false when it isn't open. While nothing is heard, `control` is for beats
     * alone: what else went into the void would fill the congestion window, and they would wait behind it.
     */
    send(channel: ChannelName, text: string): boolean {
      const line = inUse();
      if (!line || (channel === 'control' && state.link.phase === 'restoring')) return false;
      const sent = line.peer.send(channel, text);
      if (sent && channel === 'control') line.heart?.said();
      return sent;
    },
    /** The broker can be reached again. */
    signallingUp: () => dispatch({ type: 'signalling' }),
    /** This end's own network has changed. */
    moved(): void {
      inUse()?.peer.probe?.();
      dispatch({ type: 'moved' });
    },
    stats: (): Promise<PathStats | null> => inUse()?.peer.stats() ?? Promise.resolve(null),
    /** Leaves, with a goodbye, for good. */
    close(reason: Extract<Event, { type: 'leave' }>['reason'] = 'left', detail?: string): void {
      if (state.closed) return;
      dispatch(detail === undefined ? { type: 'leave', reason } : { type: 'leave', reason, detail });
      disarm();
      for (const session of [...lines.keys()]) close(session);
    },
  };
}

/** Hands a session what its other end has sent over MQTT. */
export function deliver(
  session: Pick<Session, 'dispatch'>,
  { kind, message }: Extract<Incoming, { kind: 'sdp' | 'ice' | 'bye' }>,
  drop: (what: string, why: string) => void,
): void {
  if (message === null) return drop(kind, 'is empty');
  session.dispatch({ type: kind, message } as Event);
}

/** Collects what comes in one turn of the event loop into one call. */
function batch<T>(flush: (items: T[]) => void): (item: T) => void {
  let items: T[] = [];
  return (item) => {
    if (items.length === 0) {
      queueMicrotask(() => {
        const all = items;
        items = [];
        flush(all);
      });
    }
    items.push(item);
  };
}

function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
