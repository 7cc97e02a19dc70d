/**
 * Two ends of a negotiation, a network between them that may do anything, and a simulated peer
 * connection: it connects once both ends have one for the same session, each has taken the other's
 * description of the same seq, and one end knows a candidate of the other. Time is virtual.
 */
import { expect } from 'vitest';
import { type Effect, type Event, initialState, isLive, type State, step } from '../../shared/negotiation.ts';

type Who = 'vehicle' | 'operator';

export type Action =
  | { do: 'deliver' | 'lose' | 'repeat'; pick: number }
  | { do: 'wait'; ms: number }
  /** interrupt: the connection breaks for a while; vanish: the broker loses sight of the end, which lives on. */
  | { do: 'crash' | 'start' | 'leave' | 'interrupt' | 'vanish'; who: Who };

interface Connection {
  session: string;
  seq: number;
  /** The other's description of this seq is taken. */
  described: boolean;
  /** Some candidate of the other is known. */
  reachable: boolean;
  told: 'new' | 'connected' | 'disconnected' | 'failed';
}

interface End {
  state: State;
  connections: Connection[];
  timer: number | null;
  /** Local work that takes a moment. */
  work: Event[];
}

/** How long it takes to see that the other end of a connection is gone, ms. */
const LOSS_MS = 3_000;

export function createWorld() {
  let now = 1_000;
  let runs = 1_000_000;
  const ends: Record<Who, End | null> = { vehicle: null, operator: null };
  /** Retained presence, as the broker has it. */
  const presence: Record<Who, Event> = { vehicle: gone(null), operator: gone(null) };
  const network: { to: Who; event: Event }[] = [];
  const losses: { who: Who; connection: Connection; at: number }[] = [];

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
    const connection = end.connections.at(-1);
    switch (effect.type) {
      case 'open':
        end.connections.push({
          session: effect.session,
          seq: 0,
          described: false,
          reachable: false,
          told: 'new',
        });
        return;
      case 'close':
        end.connections = end.connections.filter(({ session }) => session !== effect.session);
        return;
      case 'makeOffer':
      case 'takeOffer': {
        if (!connection) return;
        connection.seq = effect.seq;
        connection.described = effect.type === 'takeOffer';
        connection.reachable = false;
        if (connection.told === 'connected') connection.told = 'disconnected';
        const { session, seq } = effect;
        end.work.push({ type: 'described', session, seq, sdp: `of ${seq}` });
        end.work.push({ type: 'gathered', session, candidates: [{ candidate: `of ${seq}` }], done: true });
        return;
      }
      case 'takeAnswer':
        if (connection) connection.described = true;
        return;
      case 'addCandidates':
        // Those of an earlier seq have other credentials and are of no use.
        if (connection && effect.candidates.some(({ candidate }) => candidate === `of ${connection.seq}`)) {
          connection.reachable = true;
        }
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
      case 'check':
        return connection && void losses.push({ who, connection, at: now + 1_000 });
    }
  }

  /** Moves the simulated connections on: both told when they connect, the survivor when one is gone. */
  function transports(): void {
    for (const who of ['vehicle', 'operator'] as const) {
      const mine = ends[who]?.connections.at(-1);
      if (!mine || mine.told === 'failed') continue;
      const theirs = ends[other(who)]?.connections.at(-1);
      const fits = theirs?.session === mine.session && theirs.seq === mine.seq;
      const joined = fits && mine.described && theirs.described && (mine.reachable || theirs.reachable);
      if (joined && mine.told !== 'connected') {
        mine.told = 'connected';
        dispatch(who, { type: 'transport', session: mine.session, state: 'connected' });
      } else if (mine.told === 'connected' && theirs?.session !== mine.session) {
        mine.told = 'disconnected';
        losses.push({ who, connection: mine, at: now + LOSS_MS });
      }
    }
    for (const loss of losses.splice(0)) {
      const { session } = loss.connection;
      const back = ends[other(loss.who)]?.connections.at(-1)?.session === session;
      if (!ends[loss.who]?.connections.includes(loss.connection) || back) continue;
      if (loss.at > now) losses.push(loss);
      else {
        loss.connection.told = 'failed';
        dispatch(loss.who, { type: 'transport', session, state: 'failed' });
      }
    }
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

  function interrupt(who: Who): void {
    const mine = ends[who]?.connections.at(-1);
    if (mine?.told !== 'connected') return;
    mine.told = 'disconnected';
    dispatch(who, { type: 'transport', session: mine.session, state: 'disconnected' });
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
      else if (action.do === 'start') start(action.who);
      else if (action.do === 'crash') crash(action.who);
      else if (action.do === 'interrupt') interrupt(action.who);
      else if (action.do === 'vanish') network.push({ to: other(action.who), event: gone(null) });
      else {
        dispatch(action.who, { type: 'leave', reason: 'left' });
        crash(action.who);
      }
      work();
    },
    /** An end never has two peer connections, and has one exactly while its session is live. */
    checkOnePeerEach(): void {
      for (const end of [ends.vehicle, ends.operator]) {
        if (!end) continue;
        const expected = isLive(end.state.link) ? [end.state.link.session] : [];
        expect(end.connections.map(({ session }) => session)).toEqual(expected);
      }
    },
    /** The network becomes reliable and both ends reconnect to the broker, which tells them who is there. */
    settle(): void {
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
