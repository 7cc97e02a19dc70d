/**
 * The negotiation between a vehicle and one operator, as a pure function: `step(state, event)` gives
 * the next state and the effects to run. No clocks, no connections, no promises; session.ts has those.
 *
 * The vehicle is always the offerer, so there is no glare. Whatever is lost on the way is sent again:
 * the offerer repeats its offer until it is answered, the answerer repeats its answer when an offer
 * comes again, both repeat their candidates until they are connected, and an answerer that sees the
 * vehicle but gets no offer announces itself again.
 *
 * A connection is never repaired. When nothing is heard on it any more, or an end has moved, another one is
 * made beside it, in a session of its own, and takes over when it is open; the old one serves on meanwhile,
 * should its path come back first. Whatever cannot be mended ends with a reason and, while both are there,
 * in a new session.
 *
 * States are in negotiation-state.ts; offerer.ts and answerer.ts say what each end does, and
 * negotiation-attempt.ts what both do alike. Here is what comes and goes.
 */
import { answerer } from './answerer.ts';
import {
  candidatesCame,
  closeAll,
  connected,
  described,
  drop,
  fail,
  failed,
  gathered,
  promoted,
  REPEAT_MS,
  RESTORE_REPEAT_MS,
  withoutReplacement,
} from './negotiation-attempt.ts';
import type { Conduct } from './negotiation-role.ts';
import {
  attemptOf,
  type Effect,
  type Event,
  isLive,
  type Live,
  type Role,
  type State,
  type Step,
} from './negotiation-state.ts';
import { offerer } from './offerer.ts';

export { MAX_TRIES, PATH_TRIES, REPEAT_MS, RESTORE_REPEAT_MS } from './negotiation-attempt.ts';
export * from './negotiation-state.ts';

/** A silent session whose other end has also gone by its presence ends after this, ms. */
export const ABSENT_MS = 1_000;
/** An answerer that gets no offer from a vehicle that is there announces itself again after this, ms. */
export const ANNOUNCE_MS = 3_000;
/** Wait before the offerer's first retry, ms; doubles with each. */
export const RETRY_MS = 500;

const CONDUCT: Record<Role, Conduct> = { offerer, answerer };

export function step(state: State, event: Event): Step {
  if (state.closed) return drop(state, event.type, 'has left');
  const [next, effects] = answerTo(state, event);
  const changed = next.link.phase !== state.link.phase || round(next) !== round(state);
  if (!changed && event.type !== 'timeout' && next.remote === state.remote) return [next, effects];
  const ms = waitOf(next);
  return [next, [...effects, ms === null ? { type: 'disarm' } : { type: 'arm', ms }]];
}

function answerTo(state: State, event: Event): Step {
  const { link } = state;
  const conduct = CONDUCT[state.role];
  switch (event.type) {
    case 'presence':
      if (event.epoch !== null && state.remote !== null && event.epoch < state.remote) {
        return drop(state, 'presence', 'an older run');
      }
      return event.online ? conduct.arrived(state, event.epoch) : departed(state);
    case 'described':
      return described(state, event.session, event.sdp);
    case 'gathered':
      return gathered(state, event.session, event.candidates, event.done);
    case 'sdp':
      return conduct.sdpCame(state, event.message);
    case 'ice':
      return candidatesCame(state, event.message);
    case 'transport':
      if (event.state === 'connected') return connected(state, event.session);
      return event.state === 'silent' ? fellSilent(state, event.session) : broke(state, event);
    case 'bye':
      return saidGoodbye(state, event.message);
    case 'moved':
      if (!isLive(link) || link.phase === 'connecting') return [state, []];
      return conduct.moved(state, link);
    case 'signalling':
      return conduct.signallingUp(state);
    case 'timeout':
      return conduct.timedOut(state);
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
  if (link.phase === 'connected') return link.replacement ? REPEAT_MS : null;
  if (role === 'offerer' || remote === null) return null;
  // A vehicle that refused has its reasons; it offers by itself when they are gone.
  if (link.phase === 'ended' && (link.reason === 'refused' || link.reason === 'full')) return null;
  return link.phase === 'ended' && link.reason === 'failed' ? RETRY_MS : ANNOUNCE_MS;
}

/** What makes one exchange of descriptions differ from the next. */
function round({ link }: State): string {
  const attempt = attemptOf(link);
  return `${isLive(link) ? link.session : ''} ${attempt?.session} ${attempt?.answered}`;
}

function departed(state: State): Step {
  const { link } = state;
  const next = { ...state, remote: null, failures: 0 };
  if (!isLive(link)) return [{ ...next, link: { phase: 'waiting' } }, []];
  // Presence is no fail-safe: what flows goes on flowing while it does. What is silent gets a moment:
  // a peer that connects to the broker anew is for that moment announced as gone.
  if (link.phase !== 'connecting') return [next, []];
  return [{ ...next, link: { phase: 'waiting' } }, closeAll(link)];
}

function fellSilent(state: State, session: string): Step {
  const { link } = state;
  if (!isLive(link) || link.session !== session) return drop(state, 'transport', 'another session');
  if (link.phase !== 'connected') return [state, []];
  const { remoteEpoch, replacement } = link;
  const silent = { phase: 'restoring', session, remoteEpoch, replacement, tries: 0 } as const;
  return CONDUCT[state.role].wantAnother({ ...state, link: silent }, silent);
}

/** A connection can't be made, or is gone for good. */
function broke(
  state: State,
  { session, detail = 'the connection was lost' }: Extract<Event, { type: 'transport' }>,
): Step {
  const { link } = state;
  if (!isLive(link)) return drop(state, 'transport', 'another session');
  if (session === link.session) {
    return link.phase === 'connecting' ? fail(state, link, detail) : gone(state, link, detail);
  }
  if (attemptOf(link)?.session === session) return withoutReplacement(state, detail);
  return drop(state, 'transport', 'another session');
}

function gone(state: State, link: Exclude<Live, { phase: 'connecting' }>, detail: string): Step {
  if (link.replacement) return promoted(state, link, link.replacement);
  return CONDUCT[state.role].lost(state, link, detail);
}

function saidGoodbye(state: State, message: Extract<Event, { type: 'bye' }>['message']): Step {
  const { link, role } = state;
  const { session, reason, detail = '' } = message;
  if (!isLive(link)) {
    if (role === 'offerer' || (session !== undefined && session < state.newest)) {
      return drop(state, 'bye', 'no session');
    }
    return [ended(state, reason, detail), []];
  }
  if (session !== undefined && session !== link.session) {
    if (attemptOf(link)?.session !== session) return drop(state, 'bye', 'another session');
    return withoutReplacement(state, null);
  }
  if (reason === 'failed' && link.phase === 'restoring') {
    if (link.replacement) return promoted(state, link, link.replacement);
    if (role === 'offerer') return CONDUCT.offerer.lost(state, link, detail);
  }
  return [ended(state, reason, detail), closeAll(link)];
}

function ended(state: State, reason: Extract<Event, { type: 'leave' }>['reason'], detail: string): State {
  if (reason === 'failed') return failed({ ...state, failures: state.failures + 1 }, detail);
  return { ...state, link: { phase: 'ended', reason, detail } };
}

function left(state: State, reason: Extract<Event, { type: 'leave' }>['reason'], detail = ''): Step {
  const { link } = state;
  const next: State = { ...state, closed: true, early: null, link: { phase: 'ended', reason, detail } };
  if (!isLive(link)) return [next, []];
  const closing = closeAll(link);
  const byes = closing.map((effect): Effect => {
    const { session } = effect as { session: string };
    return { type: 'sendBye', body: detail ? { session, reason, detail } : { session, reason } };
  });
  return [next, [...byes, ...closing]];
}
