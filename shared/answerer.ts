/**
 * The operator's part in a negotiation: it answers what the vehicle offers. From the top: the vehicle is there,
 * makes an offer, and is answered; later another connection may be wanted; and what time does to all that.
 */
import {
  announce,
  closeAll,
  drop,
  fail,
  MAX_TRIES,
  newAttempt,
  PATH_TRIES,
  RESTORE_TRIES,
  repeat,
  withAttempt,
  withoutReplacement,
} from './negotiation-attempt.ts';
import type { Conduct } from './negotiation-role.ts';
import {
  attemptOf,
  type Connected,
  type Effect,
  type Event,
  isLive,
  type Link,
  type Restoring,
  type State,
  type Step,
  sessionEpoch,
} from './negotiation-state.ts';

export const answerer: Conduct = { arrived, sdpCame, wantAnother, moved, lost: fail, signallingUp, timedOut };

function arrived(state: State, epoch: number): Step {
  const { link } = state;
  const next = { ...state, remote: epoch };
  if (!isLive(link)) return [next, state.remote === epoch ? [] : [announce]];
  if (sessionEpoch(link.session) >= epoch) return [next, link.phase === 'restoring' ? [ask(link)] : []];
  // The vehicle was started anew: its side of this session is gone.
  return [{ ...next, link: { phase: 'waiting' } }, [...closeAll(link), announce]];
}

function sdpCame(
  state: State,
  { session, type, seq, sdp }: Extract<Event, { type: 'sdp' }>['message'],
): Step {
  const { link } = state;
  if (type !== 'offer' || sdp === undefined) return drop(state, 'sdp', 'no offer to the answerer, or empty');
  if (state.remote !== null && sessionEpoch(session) < state.remote) {
    return drop(state, 'sdp', "an older run's session");
  }
  if (session < state.newest) return drop(state, 'sdp', 'an older session');
  const attempt = attemptOf(link);
  if (attempt?.session === session && seq <= 1) return [state, repeat('answerer', attempt)];
  if (isLive(link) && session === link.session && seq <= 1) return drop(state, 'sdp', 'a repeated offer');
  if (session === state.newest) {
    // Repeated by an offerer that has not heard that this end has given the session up; or, with a larger seq,
    // an older vehicle's ICE restart, which begins a new session when it is refused.
    const body = { session, reason: 'failed', detail: 'session has ended' } as const;
    return [state, [{ type: 'sendBye', body }]];
  }
  return offered(state, session, sdp);
}

function offered(state: State, session: string, sdp: string): Step {
  const { link } = state;
  const early = state.early?.session === session ? state.early : null;
  const before = attemptOf(link);
  const effects: Effect[] = [];
  if (isLive(link) && !isServing(link, session)) effects.push(...closeAll(link));
  else if (before) effects.push({ type: 'close', session: before.session });
  effects.push({ type: 'open', session }, { type: 'takeOffer', session, sdp });
  if (early) effects.push({ type: 'addCandidates', ...early });
  const attempt = newAttempt(session, state.remote, true);
  const next: Link = isServing(link, session)
    ? { ...link, replacement: attempt }
    : { phase: 'connecting', session, attempt };
  return [{ ...state, newest: session, early: null, link: next }, effects];
}

/** There is a connection to the same run of the vehicle, and the new one is made beside it. */
const isServing = (link: Link, session: string): link is Connected | Restoring =>
  (link.phase === 'connected' || link.phase === 'restoring') &&
  sessionEpoch(link.session) === sessionEpoch(session);

function wantAnother(state: State, link: Connected | Restoring): Step {
  return [state, link.replacement ? [] : [ask(link)]];
}

function moved(state: State, link: Connected | Restoring): Step {
  const [next, effects] = withoutReplacement(state, 'this end has another address now');
  return [next, [...effects, ask(link)]];
}

/** Asks for another connection; `restart` by its name on the wire, where it once was an ICE restart. */
function ask({ session }: Connected | Restoring): Effect {
  return { type: 'sendSdp', body: { session, seq: 1, type: 'restart' } };
}

function signallingUp(state: State): Step {
  const { link } = state;
  return link.phase === 'restoring' ? wantAnother(state, link) : [state, []];
}

function timedOut(state: State): Step {
  const { link } = state;
  const attempt = attemptOf(link);
  const next = attempt && { ...attempt, tries: attempt.tries + 1 };
  const said = next ? repeat('answerer', next) : [];
  switch (link.phase) {
    case 'connecting':
      if (!next || next.tries > MAX_TRIES) return fail(state, link, 'no path was found between the two');
      return [{ ...state, link: withAttempt(link, next) }, said];
    case 'restoring': {
      if (state.remote === null) return fail(state, link, 'the other end has gone');
      if (link.tries >= RESTORE_TRIES) return fail(state, link, 'no path was found between the two');
      const waited = { ...state, link: { ...link, tries: link.tries + 1 } };
      // One try more than the offerer has, which may begin another one without a word.
      if (!next || next.tries > PATH_TRIES + 1) {
        const [without, effects] = withoutReplacement(waited, null);
        return [without, [...effects, ask(link)]];
      }
      return [{ ...waited, link: { ...waited.link, replacement: next } }, said];
    }
    case 'connected':
      if (!next) return [state, []];
      if (next.tries > MAX_TRIES) return withoutReplacement(state, 'no path was found between the two');
      return [{ ...state, link: { ...link, replacement: next } }, said];
    default:
      return [state, state.remote !== null ? [announce] : []];
  }
}
