/**
 * Two ends of a negotiation, a network between them that may do anything, and simulated peer
 * connections: one connects once both ends have one for the same session, each has taken the other's
 * description, and one end knows a candidate of the other. A path that was found carries until it is cut.
 * Time is virtual.
 */
import { expect } from 'vitest';
import {
  type Effect,
  type Event,
  initialState,
  type State,
  sessionsOf,
  step,
} from '../../shared/negotiation.ts';

type Who = 'vehicle' | 'operator';

export type Action =
  | { do: 'deliver' | 'lose' | 'repeat'; pick: number }
  | { do: 'wait'; ms: number }
  /**
   * stall: this end hears nothing for a while, though the path is there; vanish: the broker loses sight of
   * the end, which lives on; reconnect: it sees it again; move: the end's own network changes.
   */
  | { do: 'crash' | 'start' | 'leave' | 'stall' | 'vanish' | 'reconnect' | 'move'; who: Who }
  /** cut: what connected the two carries nothing any more; mend: it does again; block: nor can anything new. */
  | { do: 'cut' | 'mend' | 'block' };

interface Connection {
  session: string;
  /** The other's description is taken. */
  described: boolean;
  /** Some candidate of the other is known. */
  reachable: boolean;
  heardAt: number;
  told: 'new' | 'connected' | 'silent' | 'failed';
  /** Another one has taken over. */
  retired: boolean;
}

interface End {
  state: State;
  connections: Connection[];
  timer: number | null;
  /** Local work that takes a moment. */
  work: Event[];
}

/** How long it takes to see that nothing is heard any more, ms. */
const SILENCE_MS = 600;
/** How long a peer connection takes to give itself up when nothing is heard, ms. */
const GIVE_UP_MS = 30_000;

export function createWorld() {
  let now = 1_000;
  let runs = 1_000_000;
  const ends: Record<Who, End | null> = { vehicle: null, operator: null };
  /** Retained presence, as the broker has it. */
  const presence: Record<Who, Event> = { vehicle: gone(null), operator: gone(null) };
  const network: { to: Who; event: Event }[] = [];
  /** The paths that were found, by session, and whether they carry. */
  const paths = new Map<string, boolean>();
  /** Nothing new can be found. */
  let blocked = false;

  function gone(epoch: number | null): Event {
    return { type: 'presence', online: false, epoch };
  }

  const other = (who: Who): Who => (who === 'vehicle' ? 'operator' : 'vehicle');

  function start(who: Who): void {
    if (ends[who]) return;
    // Restarts lie in time like real ones: later runs have later epochs.
    const epoch = runs++;
    const role = who === 'vehicle' ? 'offerer' : 'answerer';
    ends[who] = { state: initialState(role, epoch), connections: [], timer: null, work: [] };
    network.push({ to: who, event: presence[other(who)] });
    say(who, { type: 'presence', online: true, epoch });
  }

  function say(who: Who, event: Event): void {
    presence[who] = event;
    network.push({ to: other(who), event });
  }

  function crash(who: Who): void {
    const end = ends[who];
    if (!end) return;
    ends[who] = null;
    say(who, gone(who === 'vehicle' ? end.state.epoch : null));
  }

  function dispatch(who: Who, event: Event): void {
    const end = ends[who];
    if (!end) return;
    const [next, effects] = step(end.state, event);
    end.state = next;
    for (const effect of effects) run(who, end, effect);
  }

  function run(who: Who, end: End, effect: Effect): void {
    const send = (event: Event) => network.push({ to: other(who), event });
    const connection =
      'session' in effect ? end.connections.find(({ session }) => session === effect.session) : undefined;
    switch (effect.type) {
      case 'open':
        end.connections.push({
          session: effect.session,
          described: false,
          reachable: false,
          told: 'new',
          heardAt: now,
          retired: false,
        });
        return;
      case 'retire':
        if (connection) connection.retired = true;
        return;
      case 'close':
        end.connections = end.connections.filter(({ session }) => session !== effect.session);
        return;
      case 'makeOffer':
      case 'takeOffer': {
        if (!connection) return;
        connection.described = effect.type === 'takeOffer';
        const { session } = effect;
        end.work.push({ type: 'described', session, sdp: `of ${session}` });
        end.work.push({ type: 'gathered', session, candidates: [{ candidate: session }], done: true });
        return;
      }
      case 'takeAnswer':
        if (connection) connection.described = true;
        return;
      case 'addCandidates':
        if (connection && effect.candidates.length > 0) connection.reachable = true;
        return;
      case 'sendSdp':
        return void send({ type: 'sdp', message: effect.body });
      case 'sendIce':
        return void send({ type: 'ice', message: effect.body });
      case 'sendBye':
        return void send({ type: 'bye', message: effect.body });
      case 'announce':
        return say(who, { type: 'presence', online: true, epoch: end.state.epoch });
      case 'arm':
        end.timer = now + effect.ms;
        return;
      case 'disarm':
        end.timer = null;
        return;
    }
  }

  /** Moves the simulated connections on: each end is told what it hears, or that it hears nothing. */
  function transports(): void {
    for (const who of ['vehicle', 'operator'] as const) {
      for (const mine of [...(ends[who]?.connections ?? [])]) {
        if (!mine.retired && mine.told !== 'failed') transport(who, mine);
      }
    }
  }

  function transport(who: Who, mine: Connection): void {
    const end = ends[who];
    const { session } = mine;
    if (!end?.connections.includes(mine)) return;
    if (hears(mine, ends[other(who)])) {
      mine.heardAt = now;
      // Whatever is heard ends a restoring, even one that began a moment ago.
      if (mine.told === 'connected' && end.state.link.phase !== 'restoring') return;
      mine.told = 'connected';
      dispatch(who, { type: 'transport', session, state: 'connected' });
    } else if (mine.told === 'connected' && now - mine.heardAt >= SILENCE_MS) {
      mine.told = 'silent';
      dispatch(who, { type: 'transport', session, state: 'silent' });
    } else if (mine.told === 'silent' && now - mine.heardAt >= GIVE_UP_MS) {
      mine.told = 'failed';
      dispatch(who, { type: 'transport', session, state: 'failed' });
    }
  }

  function hears(mine: Connection, end: End | null): boolean {
    const theirs = end?.connections.find(({ session }) => session === mine.session);
    if (!theirs) return false;
    const works = paths.get(mine.session);
    if (works !== undefined) return works;
    const known = mine.described && theirs.described && (mine.reachable || theirs.reachable);
    if (blocked || !known) return false;
    paths.set(mine.session, true);
    return true;
  }

  function work(): void {
    for (const who of ['vehicle', 'operator'] as const) {
      for (const event of ends[who]?.work.splice(0) ?? []) dispatch(who, event);
    }
    transports();
  }

  function tick(ms: number): void {
    const until = now + ms;
    while (now < until) {
      now = Math.min(until, now + 250);
      for (const who of ['vehicle', 'operator'] as const) {
        const end = ends[who];
        if (end?.timer !== null && end && end.timer <= now) {
          end.timer = null;
          dispatch(who, { type: 'timeout' });
        }
      }
      work();
    }
  }

  function stall(who: Who): void {
    const mine = ends[who]?.connections.find(({ told, retired }) => told === 'connected' && !retired);
    if (!mine) return;
    mine.told = 'silent';
    dispatch(who, { type: 'transport', session: mine.session, state: 'silent' });
  }

  function reconnect(who: Who): void {
    const end = ends[who];
    if (!end) return;
    // The broker takes the old connection for dead when the new one comes.
    say(who, gone(who === 'vehicle' ? end.state.epoch : null));
    network.push({ to: who, event: presence[other(who)] });
    dispatch(who, { type: 'signalling' });
    say(who, { type: 'presence', online: true, epoch: end.state.epoch });
  }

  return {
    start,
    act(action: Action): void {
      if ('pick' in action) {
        if (network.length > 0) {
          const index = action.pick % network.length;
          const message = network[index];
          if (action.do !== 'repeat') network.splice(index, 1);
          if (action.do !== 'lose' && message) dispatch(message.to, message.event);
        }
      } else if (action.do === 'wait') tick(action.ms);
      else if (!('who' in action)) {
        if (action.do === 'block') blocked = true;
        else for (const session of paths.keys()) paths.set(session, action.do === 'mend');
      } else if (action.do === 'start') start(action.who);
      else if (action.do === 'crash') crash(action.who);
      else if (action.do === 'stall') stall(action.who);
      else if (action.do === 'reconnect') reconnect(action.who);
      else if (action.do === 'move') dispatch(action.who, { type: 'moved' });
      else if (action.do === 'vanish') network.push({ to: other(action.who), event: gone(null) });
      else {
        dispatch(action.who, { type: 'leave', reason: 'left' });
        crash(action.who);
      }
      work();
    },
    /** An end has the peer connections that its state says, beside those that another one has taken over from. */
    checkConnections(): void {
      for (const end of [ends.vehicle, ends.operator]) {
        if (!end) continue;
        const there = end.connections.filter(({ retired }) => !retired).map(({ session }) => session);
        expect(there.sort()).toEqual(sessionsOf(end.state.link).sort());
        expect(there.length).toBeLessThanOrEqual(2);
      }
    },
    /** The network becomes reliable and both ends reconnect to the broker, which tells them who is there. */
    settle(): void {
      blocked = false;
      for (const who of ['vehicle', 'operator'] as const)
        network.push({ to: who, event: presence[other(who)] });
      for (let round = 0; round < 400; round++) {
        for (const { to, event } of network.splice(0)) dispatch(to, event);
        work();
        tick(500);
      }
    },
    ends: () => ({ vehicle: ends.vehicle?.state ?? null, operator: ends.operator?.state ?? null }),
  };
}
