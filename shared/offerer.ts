/**
 * The vehicle's part in a negotiation: it makes every session. From the top: an operator arrives, is made an
 * offer, and answers; later another connection may be wanted, by either end; and what time does to all that.
 */
import {
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
  type Attempt,
  attemptOf,
  type Connected,
  type Effect,
  type Event,
  isLive,
  type Live,
  type Restoring,
  type State,
  type Step,
  sessionId,
} from './negotiation-state.ts';

export const offerer: Conduct = {
  arrived,
  sdpCame,
  wantAnother,
  moved: makeAnother,
  lost,
  signallingUp,
  timedOut,
};

function arrived(state: State, epoch: number): Step {
  const { link } = state;
  const next = { ...state, remote: epoch };
  if (isLive(link)) {
    const begunWith = link.phase === 'connecting' ? link.attempt.remoteEpoch : link.remoteEpoch;
    // It was gone from the broker for a moment, and with it what was sent meanwhile.
    if (begunWith === epoch) return [next, state.remote === null ? unanswered(link) : []];
    return begin({ ...next, failures: 0 }, closeAll(link));
  }
  if (link.phase === 'retrying' && state.remote === epoch) return [next, []];
  return begin(next, []);
}

/** The first session, or one after a failure: nothing else is there. */
function begin(state: State, before: Effect[]): Step {
  const [next, attempt, effects] = offer(state);
  const link = { phase: 'connecting', session: attempt.session, attempt } as const;
  return [{ ...next, link }, [...before, ...effects]];
}

function offer(state: State): [State, Attempt, Effect[]] {
  const made = state.made + 1;
  const session = sessionId(state.epoch, made);
  const effects: Effect[] = [
    { type: 'open', session },
    { type: 'makeOffer', session },
  ];
  return [{ ...state, made, early: null }, newAttempt(session, state.remote, false), effects];
}

function sdpCame(state: State, message: Extract<Event, { type: 'sdp' }>['message']): Step {
  if (message.type === 'answer') return answered(state, message);
  if (message.type === 'restart') return asked(state, message.session);
  return drop(state, 'sdp', 'an offer to the offerer');
}

function answered(state: State, { session, sdp }: Extract<Event, { type: 'sdp' }>['message']): Step {
  const { link, early } = state;
  const attempt = attemptOf(link);
  if (!isLive(link) || attempt?.session !== session) return drop(state, 'sdp', 'another session');
  if (attempt.answered || attempt.local.sdp === null || sdp === undefined) {
    return drop(state, 'sdp', 'not the answer to the last offer');
  }
  const effects: Effect[] = [{ type: 'takeAnswer', session, sdp }];
  if (early?.session === session) effects.push({ type: 'addCandidates', ...early });
  const next = withAttempt(link, { ...attempt, answered: true, tries: 0 });
  return [{ ...state, early: null, link: next }, effects];
}

/** The operator hears nothing, or has moved. */
function asked(state: State, session: string): Step {
  const { link } = state;
  if (!isLive(link) || link.phase === 'connecting' || link.session !== session) {
    return drop(state, 'sdp', 'another session');
  }
  // One that is under way must have its time; whoever asks may not have heard of it.
  if (link.replacement?.answered) return drop(state, 'sdp', 'another connection is being made');
  return wantAnother(state, link);
}

function wantAnother(state: State, link: Connected | Restoring): Step {
  return link.replacement ? [state, unanswered(link)] : makeAnother(state, link);
}

function makeAnother(state: State, link: Connected | Restoring): Step {
  const [next, attempt, effects] = offer(state);
  const old = link.replacement;
  const before: Effect[] = old ? [{ type: 'close', session: old.session }] : [];
  return [{ ...next, link: { ...link, replacement: attempt } }, [...before, ...effects]];
}

/** What was connected before is more likely to be so again than what never was: at once, then. */
function lost(state: State, link: Connected | Restoring, detail: string): Step {
  const interrupted = link.phase === 'restoring' && state.remote !== null;
  return interrupted ? begin(state, closeAll(link)) : fail(state, link, detail);
}

function signallingUp(state: State): Step {
  const { link } = state;
  if (!isLive(link)) return [state, []];
  const attempt = attemptOf(link);
  // What was gathered while there was no network leads nowhere: one that had to wait is begun anew.
  const waited = attempt !== null && !attempt.answered && attempt.tries > 0;
  return waited && link.phase !== 'connecting' ? makeAnother(state, link) : [state, unanswered(link)];
}

/** What was said and has no answer. */
function unanswered(link: Live): Effect[] {
  const attempt = attemptOf(link);
  return attempt && !attempt.answered ? repeat('offerer', attempt) : [];
}

function timedOut(state: State): Step {
  const { link } = state;
  switch (link.phase) {
    case 'retrying':
      return state.remote === null ? [state, []] : begin(state, []);
    case 'connecting':
      if (link.attempt.tries < MAX_TRIES) return again(state, link, link.attempt);
      return fail(state, link, whyNot(link.attempt));
    case 'restoring': {
      if (state.remote === null) return fail(state, link, 'the other end has gone');
      if (link.tries >= RESTORE_TRIES) return fail(state, link, whyNot(link.replacement));
      const next = { ...link, tries: link.tries + 1 };
      const { replacement } = link;
      // Both know of it and it leads nowhere: another one, then.
      const stuck = replacement === null || (replacement.answered && replacement.tries >= PATH_TRIES);
      return stuck ? makeAnother(state, next) : again(state, next, replacement);
    }
    case 'connected': {
      const { replacement } = link;
      if (!replacement) return [state, []];
      const most = replacement.answered ? PATH_TRIES : MAX_TRIES;
      if (replacement.tries < most) return again(state, link, replacement);
      return withoutReplacement(state, whyNot(replacement));
    }
    default:
      return [state, []];
  }
}

function again(state: State, link: Live, attempt: Attempt): Step {
  const next = { ...attempt, tries: attempt.tries + 1 };
  return [{ ...state, link: withAttempt(link, next) }, repeat('offerer', next)];
}

const whyNot = (attempt: Attempt | null): string =>
  attempt?.answered ? 'no path was found between the two' : 'no answer came';
