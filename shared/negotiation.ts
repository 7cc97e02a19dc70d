/**
 * The negotiation between a vehicle and one operator, as a pure function: `step(state, event)` gives
 * the next state and the effects to run. No clocks, no connections, no promises; session.ts has those.
 *
 * The vehicle is always the offerer, so there is no glare. Whatever is lost on the way is sent again:
 * the offerer repeats its offer until it is answered, the answerer repeats its answer when an offer
 * comes again, both repeat their candidates until they are connected, and an answerer that sees the
 * vehicle but gets no offer announces itself again. An end that hears nothing any more has ICE restarted
 * while the old path, should it come back, serves on. Whatever cannot be mended ends with a reason and,
 * while both are there, in a new session. States are in negotiation-state.ts, what one session
 * goes through in negotiation-session.ts; here is who comes and goes, and what time does.
 */
import {
  answered,
  askRestart,
  begin,
  candidatesCame,
  described,
  drop,
  fail,
  failed,
  gathered,
  interrupted,
  moved,
  offered,
  RESTORE_TRIES,
  renew,
  repeat,
  restart,
  restartAsked,
  transportChanged,
  unanswered,
} from './negotiation-session.ts';
import {
  type Effect,
  type Event,
  isLive,
  type Live,
  type State,
  type Step,
  sessionEpoch,
} from './negotiation-state.ts';

export { PATH_TRIES, pathsAreTried } from './negotiation-session.ts';
export * from './negotiation-state.ts';

/** Time between two sendings of what has not been answered, ms. */
export const REPEAT_MS = 2_000;
/** Sendings before a connection attempt is given up: 16 s, room for TURN over TLS on a slow path. */
export const MAX_TRIES = 8;
/** The same while a connection that there was is to be restored, ms. */
export const RESTORE_REPEAT_MS = 1_000;
/** An interrupted session whose other end has also gone by its presence ends after this, ms. */
export const ABSENT_MS = 1_000;
/** An answerer that gets no offer from a vehicle that is there announces itself again after this, ms. */
export const ANNOUNCE_MS = 3_000;
/** Wait before the offerer's first retry, ms; doubles with each. */
export const RETRY_MS = 500;

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
    case 'moved':
      return moved(state);
    case 'signalling':
      return signallingUp(state);
    case 'timeout':
      return timedOut(state);
    case 'leave':
      return left(state, event.reason, event.detail);
  }
}

/** How long to wait in this state before a `timeout`, ms; null for as long as it takes. */
function waitOf({ link, role, remote, failures, closed }: State): number | null {
  if (closed) return null;
  if (link.phase === 'connecting') return REPEAT_MS;
  if (link.phase === 'restoring') return remote === null ? ABSENT_MS : RESTORE_REPEAT_MS;
  if (link.phase === 'retrying') return RETRY_MS * 2 ** (failures - 1);
  // The old path came back before the restart was answered: it is to be finished all the same.
  if (link.phase === 'connected') return link.restarting ? REPEAT_MS : null;
  if (role === 'offerer' || remote === null) return null;
  // A vehicle that refused has its reasons; it offers by itself when they are gone.
  if (link.phase === 'ended' && (link.reason === 'refused' || link.reason === 'full')) return null;
  return link.phase === 'ended' && link.reason === 'failed' ? RETRY_MS : ANNOUNCE_MS;
}

/** What makes one exchange of descriptions differ from the next. */
const round = ({ link }: State) => (isLive(link) ? `${link.session} ${link.seq} ${link.answered}` : '');

// Presence

function arrived(state: State, epoch: number): Step {
  const { link } = state;
  if (state.remote !== null && epoch < state.remote) return drop(state, 'presence', 'an older run');
  const next = { ...state, remote: epoch };
  if (state.role === 'offerer') {
    // It was gone from the broker for a moment, and with it what was sent meanwhile.
    if (isLive(link) && link.remoteEpoch === epoch)
      return [next, state.remote === null ? unanswered(state) : []];
    if (isLive(link)) return begin({ ...next, failures: 0 }, [{ type: 'close', session: link.session }]);
    if (link.phase === 'retrying' && state.remote === epoch) return [next, []];
    return begin(next, []);
  }
  if (isLive(link) && sessionEpoch(link.session) >= epoch) {
    return [next, link.phase === 'restoring' ? [askRestart(link)] : []];
  }
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
  // Presence is no fail-safe: what flows goes on flowing while it does. What is interrupted gets a moment:
  // a peer that connects to the broker anew is for that moment announced as gone.
  if (link.phase !== 'connecting') return [next, []];
  return [{ ...next, link: { phase: 'waiting' } }, [{ type: 'close', session: link.session }]];
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
  if (isLive(link) && reason === 'failed' && role === 'offerer' && interrupted(state))
    return renew(state, link);
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

// The broker

function signallingUp(state: State): Step {
  const { link, role } = state;
  if (role === 'answerer' && link.phase === 'restoring') return [state, [askRestart(link)]];
  // What was gathered while there was no network leads nowhere: a restart that had to wait is begun anew.
  if (isLive(link) && link.restarting && !link.answered && link.tries > 0) {
    return restart(state, link, link.phase);
  }
  return [state, unanswered(state)];
}

// Time

function timedOut(state: State): Step {
  const { link, role } = state;
  if (link.phase === 'connected') {
    const tries = link.tries + 1;
    const restarting = link.restarting && !link.answered && tries < MAX_TRIES;
    return [{ ...state, link: { ...link, tries, restarting } }, unanswered(state)];
  }
  if (link.phase === 'retrying') return state.remote === null ? [state, []] : begin(state, []);
  if (!isLive(link)) return [state, role === 'answerer' && state.remote !== null ? [announce] : []];
  if (link.phase === 'restoring') {
    if (state.remote === null) return fail(state, link, 'the other end has gone');
    // Both know of the restart and it leads nowhere: from the beginning, then.
    if (link.tries >= RESTORE_TRIES && role === 'offerer' && link.answered) return renew(state, link);
  }
  const tries = link.tries + 1;
  if (tries > (link.phase === 'restoring' ? RESTORE_TRIES : MAX_TRIES)) {
    return fail(state, link, link.answered ? 'no path was found between the two' : 'no answer came');
  }
  const live: Live = { ...link, tries };
  const effects = repeat(role, live);
  if (role === 'answerer' && link.phase === 'restoring') effects.push(askRestart(link));
  return [{ ...state, link: live }, effects];
}

const announce: Effect = { type: 'announce' };
