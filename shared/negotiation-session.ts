/**
 * What one session of a negotiation goes through: descriptions, candidates, and the state of the
 * connection. Each function answers one kind of event; negotiation.ts says which.
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

/** Waits, a second each, in which an interrupted session may come back before it is given up. */
export const RESTORE_TRIES = 16;
/** Waits that are left to a restart for finding a path, once both descriptions are there. */
export const PATH_TRIES = 3;
/** After so many failed sessions the offerer waits to be asked again, by presence. */
export const MAX_FAILURES = 4;
/** Candidates kept for a description that has not come. */
const MAX_EARLY = 200;

// Descriptions

export function begin(state: State, before: Effect[]): Step {
  const made = state.made + 1;
  const session = sessionId(state.epoch, made);
  return [
    { ...state, made, early: null, link: freshLive(session, 1, state.remote) },
    [...before, { type: 'open', session }, { type: 'makeOffer', session, seq: 1, restart: false }],
  ];
}

export function described(state: State, session: string, seq: number, sdp: string): Step {
  const { link, role } = state;
  if (!isLive(link) || link.session !== session || link.seq !== seq) {
    return drop(state, 'described', 'another session');
  }
  const live: Live = { ...link, local: { ...link.local, sdp } };
  return [{ ...state, link: live }, repeat(role, live)];
}

export function gathered(
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

export function offered(
  state: State,
  { session, seq, sdp }: Extract<Event, { type: 'sdp' }>['message'],
): Step {
  const { link, role } = state;
  if (role === 'offerer' || sdp === undefined) return drop(state, 'sdp', 'an offer to the offerer, or empty');
  if (state.remote !== null && sessionEpoch(session) < state.remote) {
    return drop(state, 'sdp', "an older run's session");
  }
  if (session < state.newest) return drop(state, 'sdp', 'an older session');
  if (isLive(link) && session === link.session) {
    if (seq < link.seq) return drop(state, 'sdp', 'an older offer');
    if (seq === link.seq) return [state, repeat(role, link)];
    // While this end still hears something it stays connected: the old path serves until the new one does.
    const next = { ...freshLive(session, seq, link.remoteEpoch), phase: link.phase, answered: true };
    // One try more than the offerer has, which may then begin a new session without a goodbye.
    const tries = lastTries(link, PATH_TRIES + 1);
    return [{ ...state, link: { ...next, tries } }, [{ type: 'takeOffer', session, seq, sdp }]];
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

export function answered(
  state: State,
  { session, seq, sdp }: Extract<Event, { type: 'sdp' }>['message'],
): Step {
  const { link, role, early } = state;
  if (role === 'answerer' || sdp === undefined)
    return drop(state, 'sdp', 'an answer to the answerer, or empty');
  if (!isLive(link) || link.session !== session) return drop(state, 'sdp', 'another session');
  if (seq !== link.seq || link.answered || link.local.sdp === null) {
    return drop(state, 'sdp', 'not the answer to the last offer');
  }
  const effects: Effect[] = [{ type: 'takeAnswer', session, seq, sdp }];
  if (early?.session === session) effects.push({ type: 'addCandidates', ...early });
  const tries = link.phase === 'restoring' ? lastTries(link, PATH_TRIES) : 0;
  return [{ ...state, early: null, link: { ...link, answered: true, tries } }, effects];
}

export function restartAsked(
  state: State,
  { session, seq }: Extract<Event, { type: 'sdp' }>['message'],
): Step {
  const { link, role } = state;
  if (role === 'answerer' || !isLive(link) || link.session !== session) {
    return drop(state, 'sdp', 'another session');
  }
  if (link.phase === 'connected' && seq === link.seq && !link.restarting) {
    return restart(state, link, 'restoring');
  }
  // One that is under way must have its time; whoever asks may not have heard of it.
  if (!link.answered) return [state, repeat(role, link)];
  return drop(state, 'sdp', 'a restart that is under way');
}

export function restart(state: State, link: Live, phase: Live['phase']): Step {
  const { session } = link;
  const live: Live = { ...freshLive(session, link.seq + 1, link.remoteEpoch), phase, restarting: true };
  return [{ ...state, link: live }, [{ type: 'makeOffer', session, seq: live.seq, restart: true }]];
}

// Candidates

export function candidatesCame(state: State, message: Extract<Event, { type: 'ice' }>['message']): Step {
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

export function transportChanged(
  state: State,
  session: string,
  transport: 'connected' | 'silent' | 'failed',
  detail = 'the connection was lost',
): Step {
  const { link, role } = state;
  if (!isLive(link) || link.session !== session) return drop(state, 'transport', 'another session');
  if (transport === 'connected') {
    // A restart that could not be said yet goes on growing old.
    const tries = link.restarting && !link.answered ? link.tries : 0;
    return [{ ...state, failures: 0, link: { ...link, phase: 'connected', tries } }, []];
  }
  if (transport === 'failed')
    return role === 'offerer' && interrupted(state) ? renew(state, link) : fail(state, link, detail);
  if (link.phase !== 'connected') return [state, []];
  if (role === 'offerer' && !link.restarting) return restart(state, link, 'restoring');
  const tries = link.restarting && link.answered ? RESTORE_TRIES - PATH_TRIES : 0;
  const restoring: Live = { ...link, phase: 'restoring', tries };
  return [{ ...state, link: restoring }, role === 'answerer' ? [askRestart(link)] : unanswered(state)];
}

export function moved(state: State): Step {
  const { link, role } = state;
  if (!isLive(link) || link.phase === 'connecting') return [state, []];
  return role === 'offerer' ? restart(state, link, link.phase) : [state, [askRestart(link)]];
}

/** A restart is known at both ends, and what remains is to find a path. */
export const pathsAreTried = ({ phase, tries }: Live): boolean =>
  phase === 'restoring' && tries >= RESTORE_TRIES - PATH_TRIES - 1;

/** With both descriptions there, a path has so many tries left; a restart again and again gains none. */
const lastTries = ({ phase, tries }: Live, left: number): number =>
  phase === 'restoring' ? Math.max(tries, RESTORE_TRIES - left) : tries;

/** It was connected, and the other end is there. */
export const interrupted = ({ link, remote }: State): boolean =>
  link.phase === 'restoring' && remote !== null;

/** From the beginning: what was connected before is more likely to be so again than what never was. */
export const renew = (state: State, { session }: Live): Step => begin(state, [{ type: 'close', session }]);

export function fail(state: State, link: Live, detail: string): Step {
  const { session } = link;
  const effects: Effect[] = [
    { type: 'close', session },
    { type: 'sendBye', body: { session, reason: 'failed', detail } },
  ];
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

// What several of them need

export const askRestart = ({ session, seq }: Live): Effect => ({
  type: 'sendSdp',
  body: { session, seq, type: 'restart' },
});

/** What the offerer has said and has no answer to. */
export function unanswered({ link, role }: State): Effect[] {
  return role === 'offerer' && isLive(link) && !link.answered ? repeat(role, link) : [];
}

/** All that this end has said in this round: its description, unless it was answered, and its candidates. */
export function repeat(role: State['role'], { session, seq, local, answered: heard }: Live): Effect[] {
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

export function drop(state: State, what: string, why: string): Step {
  return [state, [{ type: 'drop', what, why }]];
}
