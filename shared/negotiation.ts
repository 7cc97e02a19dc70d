/**
 * The negotiation between a vehicle and one operator, as a pure function: `step(state, event)` gives
 * the next state and the effects to run. No clocks, no connections, no promises; session.ts has those.
 *
 * The vehicle is always the offerer, so there is no glare. Whatever is lost on the way is sent again:
 * the offerer repeats its offer until it is answered, the answerer repeats its answer when an offer
 * comes again, both repeat their candidates until they are connected, and an answerer that sees the
 * vehicle but gets no offer announces itself again. Whatever cannot be mended ends with a reason and,
 * while both are there, in a new session. States are in negotiation-state.ts, answers to each kind
 * of event below, in the order of their coming.
 */
import {
  type Effect,
  type Event,
  freshLive,
  isLive,
  type Live,
  type State,
  type Step,
  sessionEpoch,
  sessionId,
} from './negotiation-state.ts';

export * from './negotiation-state.ts';

/** Time between two sendings of what has not been answered, ms. */
export const REPEAT_MS = 2_000;
/** Sendings before a connection attempt is given up: 16 s, room for TURN over TLS on a slow path. */
export const MAX_TRIES = 8;
/** An answerer that gets no offer from a vehicle that is there announces itself again after this, ms. */
export const ANNOUNCE_MS = 3_000;
/** Wait before the offerer's first retry, ms; doubles with each. */
export const RETRY_MS = 500;
/** After so many failed sessions the offerer waits to be asked again, by presence. */
export const MAX_FAILURES = 4;
/** Candidates kept for a description that has not come. */
const MAX_EARLY = 200;

export function step(state: State, event: Event): Step {
  if (state.closed) return drop(state, event.type, 'has left');
  const [next, effects] = answerTo(state, event);
  const moved = next.link.phase !== state.link.phase || round(next) !== round(state);
  if (!moved && event.type !== 'timeout' && next.remote === state.remote) return [next, effects];
  const ms = waitOf(next);
  return [next, [...effects, ms === null ? { type: 'disarm' } : { type: 'arm', ms }]];
}

function answerTo(state: State, event: Event): Step {
  switch (event.type) {
    case 'presence':
      return event.online ? arrived(state, event.epoch) : departed(state, event.epoch);
    case 'described':
      return described(state, event.session, event.seq, event.sdp);
    case 'gathered':
      return gathered(state, event.session, event.candidates, event.done);
    case 'sdp':
      if (event.message.type === 'offer') return offered(state, event.message);
      if (event.message.type === 'answer') return answered(state, event.message);
      return restartAsked(state, event.message);
    case 'ice':
      return candidatesCame(state, event.message);
    case 'transport':
      return transportChanged(state, event.session, event.state, event.detail);
    case 'broken':
      if (!isLive(state.link) || state.link.session !== event.session || state.link.seq !== event.seq) {
        return drop(state, 'broken', 'another session');
      }
      return fail(state, state.link, event.detail);
    case 'bye':
      return saidGoodbye(state, event.message);
    case 'timeout':
      return timedOut(state);
    case 'leave':
      return left(state, event.reason, event.detail);
  }
}

/** How long to wait in this state before a `timeout`, ms; null for as long as it takes. */
function waitOf({ link, role, remote, failures, closed }: State): number | null {
  if (closed) return null;
  if (link.phase === 'connecting' || link.phase === 'restoring') return REPEAT_MS;
  if (link.phase === 'retrying') return RETRY_MS * 2 ** (failures - 1);
  if (link.phase === 'connected' || role === 'offerer' || remote === null) return null;
  // A vehicle that refused has its reasons; it offers by itself when they are gone.
  if (link.phase === 'ended' && (link.reason === 'refused' || link.reason === 'full')) return null;
  return ANNOUNCE_MS;
}

/** What makes one exchange of descriptions differ from the next. */
const round = ({ link }: State) => (isLive(link) ? `${link.session} ${link.seq} ${link.answered}` : '');

// Presence

function arrived(state: State, epoch: number): Step {
  const { link } = state;
  if (state.remote !== null && epoch < state.remote) return drop(state, 'presence', 'an older run');
  const next = { ...state, remote: epoch };
  if (state.role === 'offerer') {
    if (isLive(link) && link.remoteEpoch === epoch) return [next, []];
    if (isLive(link)) return begin({ ...next, failures: 0 }, [{ type: 'close', session: link.session }]);
    if (link.phase === 'retrying' && state.remote === epoch) return [next, []];
    return begin(next, []);
  }
  if (isLive(link) && sessionEpoch(link.session) >= epoch) return [next, []];
  if (isLive(link)) {
    // The vehicle was started anew: its side of this session is gone.
    return [{ ...next, link: { phase: 'waiting' } }, [{ type: 'close', session: link.session }, announce]];
  }
  return [next, state.remote === epoch ? [] : [announce]];
}

function departed(state: State, epoch: number | null): Step {
  const { link } = state;
  if (epoch !== null && state.remote !== null && epoch < state.remote) {
    return drop(state, 'presence', 'an older run');
  }
  const next = { ...state, remote: null, failures: 0 };
  if (!isLive(link)) return [{ ...next, link: { phase: 'waiting' } }, []];
  // Presence is no fail-safe: what flows goes on flowing while it does.
  if (link.phase === 'connected') return [next, [{ type: 'check', session: link.session }]];
  return [{ ...next, link: { phase: 'waiting' } }, [{ type: 'close', session: link.session }]];
}

// Descriptions

function begin(state: State, before: Effect[]): Step {
  const made = state.made + 1;
  const session = sessionId(state.epoch, made);
  return [
    { ...state, made, early: null, link: freshLive(session, 1, state.remote) },
    [...before, { type: 'open', session }, { type: 'makeOffer', session, seq: 1, restart: false }],
  ];
}

function described(state: State, session: string, seq: number, sdp: string): Step {
  const { link, role } = state;
  if (!isLive(link) || link.session !== session || link.seq !== seq) {
    return drop(state, 'described', 'another session');
  }
  const live: Live = { ...link, local: { ...link.local, sdp } };
  return [{ ...state, link: live }, repeat(role, live)];
}

function gathered(
  state: State,
  session: string,
  candidates: Live['local']['candidates'],
  done: boolean,
): Step {
  const { link } = state;
  if (!isLive(link) || link.session !== session) return drop(state, 'gathered', 'another session');
  const all = [...link.local.candidates, ...candidates].slice(0, MAX_EARLY);
  const live: Live = { ...link, local: { ...link.local, candidates: all, done } };
  // Candidates follow their description.
  if (link.local.sdp === null) return [{ ...state, link: live }, []];
  return [{ ...state, link: live }, [{ type: 'sendIce', body: { session, candidates, done } }]];
}

function offered(state: State, { session, seq, sdp }: Extract<Event, { type: 'sdp' }>['message']): Step {
  const { link, role } = state;
  if (role === 'offerer' || sdp === undefined) return drop(state, 'sdp', 'an offer to the offerer, or empty');
  if (state.remote !== null && sessionEpoch(session) < state.remote) {
    return drop(state, 'sdp', "an older run's session");
  }
  if (session < state.newest) return drop(state, 'sdp', 'an older session');
  if (isLive(link) && session === link.session) {
    if (seq < link.seq) return drop(state, 'sdp', 'an older offer');
    if (seq === link.seq) return [state, repeat(role, link)];
    // Tries go on counting: a path that carries one way only would be restarted for ever.
    const next = { ...freshLive(session, seq, link.remoteEpoch), answered: true, tries: link.tries };
    const phase = link.phase === 'connecting' ? 'connecting' : 'restoring';
    return [{ ...state, link: { ...next, phase } }, [{ type: 'takeOffer', session, seq, sdp }]];
  }
  if (session === state.newest) {
    // Repeated by an offerer that has not heard that this end has given the session up.
    return [state, [{ type: 'sendBye', body: { session, reason: 'failed', detail: 'session has ended' } }]];
  }
  const early = state.early?.session === session ? state.early : null;
  const effects: Effect[] = isLive(link) ? [{ type: 'close', session: link.session }] : [];
  effects.push({ type: 'open', session }, { type: 'takeOffer', session, seq, sdp });
  if (early) effects.push({ type: 'addCandidates', ...early });
  const live = { ...freshLive(session, seq, state.remote), answered: true };
  return [{ ...state, newest: session, early: null, link: live }, effects];
}

function answered(state: State, { session, seq, sdp }: Extract<Event, { type: 'sdp' }>['message']): Step {
  const { link, role, early } = state;
  if (role === 'answerer' || sdp === undefined)
    return drop(state, 'sdp', 'an answer to the answerer, or empty');
  if (!isLive(link) || link.session !== session) return drop(state, 'sdp', 'another session');
  if (seq !== link.seq || link.answered || link.local.sdp === null) {
    return drop(state, 'sdp', 'not the answer to the last offer');
  }
  const effects: Effect[] = [{ type: 'takeAnswer', session, seq, sdp }];
  if (early?.session === session) effects.push({ type: 'addCandidates', ...early });
  return [{ ...state, early: null, link: { ...link, answered: true, tries: 0 } }, effects];
}

function restartAsked(state: State, { session, seq }: Extract<Event, { type: 'sdp' }>['message']): Step {
  const { link, role } = state;
  if (role === 'answerer' || !isLive(link) || link.session !== session) {
    return drop(state, 'sdp', 'another session');
  }
  if (seq < link.seq || link.phase === 'connecting') return drop(state, 'sdp', 'a restart that is under way');
  return restart(state, link);
}

function restart(state: State, link: Live): Step {
  const { session } = link;
  const fresh = freshLive(session, link.seq + 1, link.remoteEpoch);
  const live: Live = { ...fresh, phase: 'restoring', tries: link.tries };
  return [{ ...state, link: live }, [{ type: 'makeOffer', session, seq: live.seq, restart: true }]];
}

// Candidates

function candidatesCame(state: State, message: Extract<Event, { type: 'ice' }>['message']): Step {
  const { link, early } = state;
  const { session, candidates, done } = message;
  if (isLive(link) && link.session === session && link.answered) {
    return [state, [{ type: 'addCandidates', session, candidates, done }]];
  }
  const awaited = isLive(link) && link.session === session;
  const ahead = state.role === 'answerer' && session > state.newest && session >= (early?.session ?? '');
  if (!awaited && !ahead) return drop(state, 'ice', 'another session');
  const known = early?.session === session ? early.candidates : [];
  const kept = [...known, ...candidates].slice(0, MAX_EARLY);
  return [{ ...state, early: { session, candidates: kept, done: done || (early?.done ?? false) } }, []];
}

// The connection itself

function transportChanged(
  state: State,
  session: string,
  transport: 'connected' | 'disconnected' | 'failed',
  detail = 'the connection was lost',
): Step {
  const { link, role } = state;
  if (!isLive(link) || link.session !== session) return drop(state, 'transport', 'another session');
  if (transport === 'connected') {
    return [{ ...state, failures: 0, link: { ...link, phase: 'connected', tries: 0 } }, []];
  }
  if (transport === 'failed' || state.remote === null) return fail(state, link, detail);
  if (link.phase !== 'connected') return [state, []];
  if (role === 'offerer') return restart(state, link);
  return [{ ...state, link: { ...link, phase: 'restoring' } }, [askRestart(link)]];
}

function fail(state: State, link: Live, detail: string): Step {
  const { session } = link;
  const effects: Effect[] = [
    { type: 'close', session },
    { type: 'sendBye', body: { session, reason: 'failed', detail } },
  ];
  if (state.remote === null) return [{ ...state, link: { phase: 'waiting' } }, effects];
  return [failed({ ...state, failures: state.failures + 1 }, detail), effects];
}

/** Where a failed session leads: the offerer tries again a few times, the answerer waits for that. */
function failed(state: State, detail: string): State {
  const again = state.role === 'offerer' && state.failures < MAX_FAILURES;
  return {
    ...state,
    link: again ? { phase: 'retrying', detail } : { phase: 'ended', reason: 'failed', detail },
  };
}

// Leaving

function saidGoodbye(state: State, message: Extract<Event, { type: 'bye' }>['message']): Step {
  const { link, role } = state;
  const { session, reason, detail = '' } = message;
  if (isLive(link) && session !== undefined && session !== link.session) {
    return drop(state, 'bye', 'another session');
  }
  if (!isLive(link) && (role === 'offerer' || (session !== undefined && session < state.newest))) {
    return drop(state, 'bye', 'no session');
  }
  const effects: Effect[] = isLive(link) ? [{ type: 'close', session: link.session }] : [];
  if (reason === 'failed') return [failed({ ...state, failures: state.failures + 1 }, detail), effects];
  return [{ ...state, link: { phase: 'ended', reason, detail } }, effects];
}

function left(state: State, reason: Extract<Event, { type: 'leave' }>['reason'], detail = ''): Step {
  const next: State = { ...state, closed: true, early: null, link: { phase: 'ended', reason, detail } };
  if (!isLive(state.link)) return [next, []];
  const { session } = state.link;
  const body = detail ? { session, reason, detail } : { session, reason };
  return [
    next,
    [
      { type: 'sendBye', body },
      { type: 'close', session },
    ],
  ];
}

// Time

function timedOut(state: State): Step {
  const { link, role } = state;
  if (link.phase === 'connected') return [state, []];
  if (link.phase === 'retrying') return state.remote === null ? [state, []] : begin(state, []);
  if (!isLive(link)) return [state, role === 'answerer' && state.remote !== null ? [announce] : []];
  const tries = link.tries + 1;
  if (tries > MAX_TRIES) {
    return fail(state, link, link.answered ? 'no path was found between the two' : 'no answer came');
  }
  const live: Live = { ...link, tries };
  const effects = repeat(role, live);
  if (role === 'answerer' && link.phase === 'restoring') effects.push(askRestart(link));
  return [{ ...state, link: live }, effects];
}

const announce: Effect = { type: 'announce' };

const askRestart = ({ session, seq }: Live): Effect => ({
  type: 'sendSdp',
  body: { session, seq, type: 'restart' },
});

/** All that this end has said in this round: its description, unless it was answered, and its candidates. */
function repeat(role: State['role'], { session, seq, local, answered: heard }: Live): Effect[] {
  const { sdp, candidates, done } = local;
  if (sdp === null) return [];
  const effects: Effect[] = [];
  if (role === 'answerer') {
    effects.push({ type: 'sendSdp', body: { session, seq, type: 'answer', sdp } });
  } else if (role === 'offerer' && !heard) {
    effects.push({ type: 'sendSdp', body: { session, seq, type: 'offer', sdp } });
  }
  if (candidates.length > 0 || done) effects.push({ type: 'sendIce', body: { session, candidates, done } });
  return effects;
}

function drop(state: State, what: string, why: string): Step {
  return [state, [{ type: 'drop', what, why }]];
}
