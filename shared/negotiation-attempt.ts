/**
 * What both roles do alike with one exchange of descriptions: what is said, what is heard, and where it leads
 * when it fails.
 */
import {
  type Attempt,
  attemptOf,
  type Effect,
  type Event,
  isLive,
  type Live,
  type State,
  type Step,
  sessionsOf,
} from './negotiation-state.ts';

/** Time between two sendings of what has not been answered, ms. */
export const REPEAT_MS = 2_000;
/** Sendings before an attempt is given up: 16 s, room for TURN over TLS on a slow path. */
export const MAX_TRIES = 8;
/** The same while a connection that there was is silent, ms. */
export const RESTORE_REPEAT_MS = 1_000;
/** Waits in which a silent connection may be heard again, or a replacement found, before all is given up. */
export const RESTORE_TRIES = 16;
/** Waits that are left to a replacement for finding a path, once both descriptions are there. */
export const PATH_TRIES = 3;
/** After so many failed sessions the offerer waits to be asked again, by presence. */
export const MAX_FAILURES = 4;
/** Candidates kept for a description that has not come, and of this end's own. */
const MAX_EARLY = 200;

export const announce: Effect = { type: 'announce' };

export function newAttempt(session: string, remoteEpoch: number | null, answered: boolean): Attempt {
  return {
    session,
    remoteEpoch,
    local: { sdp: null, candidates: [], done: false },
    answered,
    tries: 0,
  };
}

export function withAttempt(link: Live, attempt: Attempt): Live {
  if (link.phase === 'connecting') return { phase: 'connecting', session: attempt.session, attempt };
  return { ...link, replacement: attempt };
}

export function drop(state: State, what: string, why: string): Step {
  return [state, [{ type: 'drop', what, why }]];
}

// What this end says

/** This end's description of the attempt is made. */
export function described(state: State, session: string, sdp: string): Step {
  const { link, role } = state;
  const attempt = attemptOf(link);
  if (!isLive(link) || attempt?.session !== session) return drop(state, 'described', 'another session');
  const next = { ...attempt, local: { ...attempt.local, sdp } };
  return [{ ...state, link: withAttempt(link, next) }, repeat(role, next)];
}

export function gathered(
  state: State,
  session: string,
  candidates: Attempt['local']['candidates'],
  done: boolean,
): Step {
  const { link } = state;
  const send: Effect = { type: 'sendIce', body: { session, candidates, done } };
  const attempt = attemptOf(link);
  if (isLive(link) && attempt?.session === session) {
    const all = [...attempt.local.candidates, ...candidates].slice(0, MAX_EARLY);
    const next = { ...attempt, local: { ...attempt.local, candidates: all, done } };
    // Candidates follow their description.
    return [{ ...state, link: withAttempt(link, next) }, attempt.local.sdp === null ? [] : [send]];
  }
  return isLive(link) && link.session === session
    ? [state, [send]]
    : drop(state, 'gathered', 'another session');
}

/** All that this end has said in an attempt: its description, unless it was answered, and its candidates. */
export function repeat(role: State['role'], { session, local, answered }: Attempt): Effect[] {
  const { sdp, candidates, done } = local;
  if (sdp === null) return [];
  const effects: Effect[] = [];
  if (role === 'answerer') {
    effects.push({ type: 'sendSdp', body: { session, seq: 1, type: 'answer', sdp } });
  } else if (!answered) {
    effects.push({ type: 'sendSdp', body: { session, seq: 1, type: 'offer', sdp } });
  }
  if (candidates.length > 0 || done) effects.push({ type: 'sendIce', body: { session, candidates, done } });
  return effects;
}

// What it hears

export function candidatesCame(state: State, message: Extract<Event, { type: 'ice' }>['message']): Step {
  const { link, early } = state;
  const { session, candidates, done } = message;
  const attempt = attemptOf(link);
  const isServing = isLive(link) && link.session === session && attempt?.session !== session;
  if (isServing || (attempt?.session === session && attempt.answered)) {
    return [state, [{ type: 'addCandidates', session, candidates, done }]];
  }
  const ahead = state.role === 'answerer' && session > state.newest && session >= (early?.session ?? '');
  if (attempt?.session !== session && !ahead) return drop(state, 'ice', 'another session');
  const known = early?.session === session ? early.candidates : [];
  const kept = [...known, ...candidates].slice(0, MAX_EARLY);
  return [{ ...state, early: { session, candidates: kept, done: done || (early?.done ?? false) } }, []];
}

/** Something is heard on a connection: one that was silent, or a new one, which takes over. */
export function connected(state: State, session: string): Step {
  const { link } = state;
  const attempt = attemptOf(link);
  if (!isLive(link)) return drop(state, 'transport', 'another session');
  if (attempt?.session === session) {
    const { remoteEpoch } = attempt;
    const effects: Effect[] = link.session === session ? [] : [{ type: 'retire', session: link.session }];
    const next = { phase: 'connected', session, remoteEpoch, replacement: null } as const;
    return [{ ...state, failures: 0, link: next }, effects];
  }
  if (link.phase === 'connecting' || link.session !== session) {
    return drop(state, 'transport', 'another session');
  }
  const { remoteEpoch, replacement } = link;
  return [{ ...state, failures: 0, link: { phase: 'connected', session, remoteEpoch, replacement } }, []];
}

// Where it leads

/** The replacement comes to nothing; what there is goes on. */
export function withoutReplacement(state: State, detail: string | null): Step {
  const { link } = state;
  if (!isLive(link) || link.phase === 'connecting' || !link.replacement) return [state, []];
  const { session } = link.replacement;
  const effects: Effect[] = [{ type: 'close', session }];
  if (detail !== null) effects.push({ type: 'sendBye', body: { session, reason: 'failed', detail } });
  return [{ ...state, link: { ...link, replacement: null } }, effects];
}

/** The replacement is all that is left. */
export function promoted(state: State, link: Live, attempt: Attempt): Step {
  const next = { phase: 'connecting', session: attempt.session, attempt } as const;
  return [{ ...state, link: next }, [{ type: 'close', session: link.session }]];
}

export const closeAll = (link: Live): Effect[] =>
  sessionsOf(link).map((session) => ({ type: 'close', session }));

export function fail(state: State, link: Live, detail: string): Step {
  const byes: Effect[] = sessionsOf(link).map((session) => ({
    type: 'sendBye',
    body: { session, reason: 'failed', detail },
  }));
  const effects = [...closeAll(link), ...byes];
  if (state.remote === null) return [{ ...state, link: { phase: 'waiting' } }, effects];
  return [failed({ ...state, failures: state.failures + 1 }, detail), effects];
}

/** Where a failed session leads: the offerer tries again a few times, the answerer waits for that. */
export function failed(state: State, detail: string): State {
  const again = state.role === 'offerer' && state.failures < MAX_FAILURES;
  return {
    ...state,
    link: again ? { phase: 'retrying', detail } : { phase: 'ended', reason: 'failed', detail },
  };
}
