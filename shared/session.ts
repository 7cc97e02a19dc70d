/**
 * One session between a vehicle and an operator: runs the effects of the negotiation on a peer
 * connection, a sender and a clock, and keeps both ends hearing of each other.
 */
import type { Incoming } from './bus.ts';
import type { ChannelName } from './channels.ts';
import type { Clock } from './clock.ts';
import { BEAT, createHeartbeat, type Heartbeat, SILENCE_MS } from './heartbeat.ts';
import type { Candidate } from './messages.ts';
import {
  type Effect,
  type Event,
  initialState,
  type Link,
  type Role,
  type State,
  step,
} from './negotiation.ts';
import type { CreatePeer, PathStats, Peer, PeerHandlers } from './peer.ts';
import { NOTHING_REPORTED, type PeerReport } from './report.ts';

type Body<Type extends Effect['type']> = Extract<Effect, { type: Type; body: unknown }>['body'];

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
  /** Sees whether the broker is still there; returns whether it is, as far as is known. */
  checkBroker(): boolean;
  /** The link changed; look at what it is now. */
  onLink(link: Link, before: Link): void;
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
  let peer: { session: string; connection: Peer; heart: Heartbeat | null } | null = null;
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
      case 'makeOffer':
        return describe(effect, (connection) => connection.createOffer(effect.restart));
      case 'takeOffer':
        return describe(effect, (connection) => connection.acceptOffer(effect.sdp));
      case 'takeAnswer':
        return describe(effect, async (connection) => {
          await connection.acceptAnswer(effect.sdp);
          return null;
        });
      case 'addCandidates':
        for (const candidate of effect.candidates) void peer?.connection.addCandidate(candidate);
        if (effect.done) void peer?.connection.addCandidate(null);
        return;
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

  function open(session: string): void {
    const gathered = batch<Candidate | null>((all) => {
      const candidates = all.filter((candidate) => candidate !== null);
      dispatch({ type: 'gathered', session, candidates, done: candidates.length < all.length });
    });
    const report = (now: PeerReport) => options.onReport?.(session, now);
    const handlers: PeerHandlers = {
      candidate: gathered,
      open: () => {
        if (peer?.session === session) peer.heart ??= heartbeat(peer.connection, session);
        dispatch({ type: 'transport', session, state: 'connected' });
      },
      closed: () => closedThere(session),
      failed: (detail) => dispatch({ type: 'transport', session, state: 'failed', detail }),
      message: (channel, text) => {
        heard(session);
        if (channel !== 'control' || text !== BEAT) options.onMessage(channel, text);
      },
      report,
    };
    report(NOTHING_REPORTED);
    let connection: Peer;
    try {
      connection = options.createPeer(handlers);
    } catch (error) {
      // A browser refuses ICE servers that it can't read, for one.
      report({ ...NOTHING_REPORTED, notes: [sentence(error)] });
      return dispatch({ type: 'transport', session, state: 'failed', detail: sentence(error) });
    }
    peer = { session, connection, heart: null };
  }

  /** As good as a goodbye, while there was nothing wrong with the connection. */
  function closedThere(session: string): void {
    const detail = 'the other end closed the connection';
    if (state.link.phase === 'connected')
      dispatch({ type: 'bye', message: { session, reason: 'left', detail } });
    else dispatch({ type: 'transport', session, state: 'failed', detail });
  }

  function close(session: string): void {
    if (peer?.session !== session) return;
    peer.heart?.stop();
    options.onClosing?.(
      session,
      peer.connection.stats().catch(() => null),
    );
    peer.connection.close();
    peer = null;
  }

  /** Makes or takes a description; what comes of it is an event, and the negotiation knows if it is too late. */
  function describe(
    { session, seq }: { session: string; seq: number },
    act: (connection: Peer) => Promise<string | null>,
  ): void {
    if (peer?.session !== session) return;
    act(peer.connection).then(
      (sdp) => sdp !== null && dispatch({ type: 'described', session, seq, sdp }),
      (error) => dispatch({ type: 'broken', session, seq, detail: sentence(error) }),
    );
  }

  function heartbeat(connection: Peer, session: string): Heartbeat {
    const detail = `nothing was heard for ${SILENCE_MS} ms`;
    return createHeartbeat({
      beat: () => connection.send('control', BEAT),
      onQuiet() {
        connection.probe?.();
        if (options.checkBroker()) leaveIfStranded();
      },
      onSound() {
        connection.resumed?.();
        // What has brought the path back may have brought the broker too.
        options.checkBroker();
      },
      onSilence() {
        if (state.link.phase === 'connected')
          dispatch({ type: 'transport', session, state: 'silent', detail });
      },
      clock,
    });
  }

  /** The broker is there, so this end has a network, and the connection knows nothing of it. */
  function leaveIfStranded(): void {
    if (peer === null || state.link.phase !== 'restoring' || !peer.connection.stranded?.()) return;
    const { session } = peer;
    const detail = 'this end has another address now';
    dispatch({ type: 'transport', session, state: 'failed', detail });
  }

  function heard(session: string): void {
    if (peer?.session !== session) return;
    peer.heart?.heard();
    // A stack's own word on a restart can't be trusted (werift says `completed` at once): bytes can.
    if (state.link.phase === 'restoring') dispatch({ type: 'transport', session, state: 'connected' });
  }

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
      if (peer === null || (channel === 'control' && state.link.phase === 'restoring')) return false;
      const sent = peer.connection.send(channel, text);
      if (sent && channel === 'control') peer.heart?.said();
      return sent;
    },
    /** The broker can be reached again. */
    signallingUp(): void {
      leaveIfStranded();
      dispatch({ type: 'signalling' });
    },
    /** This end's own network has changed. */
    moved(): void {
      peer?.connection.probe?.();
      dispatch({ type: 'moved' });
    },
    stats: (): Promise<PathStats | null> => peer?.connection.stats() ?? Promise.resolve(null),
    /** Leaves, with a goodbye, for good. */
    close(reason: Extract<Event, { type: 'leave' }>['reason'] = 'left', detail?: string): void {
      if (state.closed) return;
      dispatch(detail === undefined ? { type: 'leave', reason } : { type: 'leave', reason, detail });
      disarm();
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
