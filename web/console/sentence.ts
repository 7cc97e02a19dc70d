/**
 * What the console says instead of a live picture: one clear sentence for every state, what is being
 * done about it, and what the operator can do. Pure; null while the picture is live.
 */
import { VEHICLE_OUT } from '../../shared/farewell-words.ts';
import { isLive } from '../../shared/negotiation.ts';
import type { RoomView } from '../../shared/room-view.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { ACCESS_ENDED } from '../access/words.ts';
import { capital, duration, timeOfDay } from '../format.ts';
import { lastSeen } from '../seen.ts';
import { ofStranger } from './identity-words.ts';
import { ofLoss, ofSilence } from './interruption.ts';

/** A picture that stands still for this long is not live any more, ms. */
export const FROZEN_MS = 300;
/** And by one that stands still for this long nobody drives: no throttle is sent, ms. */
export const BLIND_MS = 500;
/** An attempt to connect that takes longer is explained, ms. */
export const SLOW_MS = 5_000;
/** A broker that has just been reached has had the time to say what it knows, ms. */
const ANSWER_MS = 1_000;
/** A session that was interrupted and can't be restored is followed by another within this, as a rule, ms. */
const NEXT_MS = 2_500;
/** A new attempt says why the last one failed when it takes longer than this, ms. */
const AGAIN_MS = 1_000;

export type Tone = 'fine' | 'careful' | 'danger' | 'off';

export interface Sentence {
  tone: Tone;
  /** The state, without numbers that run: it is read aloud when it changes. */
  title: string;
  /** What is known of the path, in words that stay while it is so. */
  verdict?: Verdict;
  /** Why, since when, and what happens next. */
  detail?: string;
  /** Offer to begin anew. */
  again?: boolean;
  /** Fingerprints for people to compare, each with what it is. */
  keys?: readonly (readonly [what: string, fingerprint: string])[];
  /** Offer to take this key for the vehicle's. */
  trust?: string;
  /** Offer the way in again: this page is over. */
  leave?: boolean;
}

/** All that the sentence depends on. */
export interface Situation {
  room: string;
  /** Why the server has not said where the broker is; null when nothing is wrong. */
  problem: string | null;
  /** Null until the server has. */
  view: RoomView | null;
  /** When the broker's state and the link's phase began, ms since the epoch. */
  since: { broker: number; link: number };
  /** The link was interrupted before it came to what it is now. */
  interrupted: boolean;
  /** What both ends' reports come to now, and why the last session failed if none has connected since. */
  verdict: Verdict | null;
  failure: Verdict | null;
  /** When the last new picture of this source was shown; null before the first. */
  lastFrameAt: number | null;
}

export function sentence(situation: Situation, now: number): Sentence | null {
  const { view, problem } = situation;
  if (view === null) return fromServer(problem);
  const { broker, link, vehicle, identity } = view;
  const mayCome = broker.state === 'connected' && vehicle?.state === 'online' && !isLive(link);
  if (mayCome && identity.refused) return ofStranger(situation.room, identity.refused);
  switch (link.phase) {
    case 'connected':
      return ofPicture(situation, now);
    case 'restoring':
      // No other path is agreed on without it.
      if (broker.state === 'refused') break;
      return ofSilence(view, link, situation.since.link, now);
    case 'ended':
      // A goodbye says more than a broker that is gone, except that with it nothing can follow.
      if (link.reason === 'left' || broker.state !== 'connected') break;
      if (link.reason === 'failed' && situation.interrupted && now - situation.since.link < NEXT_MS) {
        return ofLoss(link.detail);
      }
      return ofEnd(situation, link.reason, link.detail);
  }
  if (broker.state !== 'connected') return ofBroker(view, situation, now);
  if (view.vehicle?.state !== 'online') return ofAbsence(situation, now);
  if (link.phase === 'connecting') return ofAttempt(situation, now);
  return {
    tone: 'fine',
    title: `${situation.room} is there, waiting for its offer…`,
    ...(now - situation.since.link > SLOW_MS
      ? { detail: 'It should have come by now. It is asked for again every 3 s.', again: true }
      : {}),
  };
}

function fromServer(problem: string | null): Sentence {
  if (problem === null) return { tone: 'fine', title: 'Asking the server where the broker is…' };
  return {
    tone: 'danger',
    title: 'The server can’t be reached, trying again…',
    detail: `What it said: ${problem}.`,
  };
}

function ofBroker({ broker, link }: RoomView, { since }: Situation, now: number): Sentence {
  switch (broker.state) {
    case 'refused':
      if (broker.detail === ACCESS_ENDED)
        return {
          tone: 'danger',
          title: 'Your access has ended',
          detail: 'The car has been told, and brakes to a stop by itself if you drove it.',
          leave: true,
        };
      return {
        tone: 'danger',
        title: 'The broker refuses this page',
        detail: `It said: ${broker.detail}. It is not asked again by itself.`,
        again: true,
      };
    case 'offline':
      return {
        tone: 'danger',
        title: 'The broker can’t be reached, trying again…',
        detail: `Since ${timeOfDay(since.broker)}. Without it no car can be found.`,
      };
    case 'closed': {
      const replaced = link.phase === 'ended' && link.reason === 'replaced';
      return {
        tone: 'off',
        title: replaced ? 'This console has been replaced' : 'This console has left',
        detail: replaced && link.detail ? `${capital(link.detail)}.` : 'It does not come back by itself.',
        again: true,
      };
    }
    default:
      return {
        tone: 'fine',
        title: 'Connecting to the broker…',
        ...(now - since.broker > SLOW_MS
          ? { detail: `Still trying after ${duration(now - since.broker)}.` }
          : {}),
      };
  }
}

function ofAbsence({ room, view, since }: Situation, now: number): Sentence {
  const vehicle = view?.vehicle;
  const waits = 'The picture comes by itself when it is back.';
  if (!vehicle) {
    if (now - since.broker < ANSWER_MS) return { tone: 'fine', title: `Looking for ${room}…` };
    return {
      tone: 'off',
      title: `${room} isn’t here`,
      detail: `Waiting for it. It may be called otherwise, or not be running: npm run vehicle -- --room ${room}`,
    };
  }
  const when = lastSeen(vehicle, view.telemetry);
  const ago = `${duration(now - when)} ago, at ${timeOfDay(when)}`;
  return vehicle.state === 'lost'
    ? {
        tone: 'danger',
        title: `${room} is lost`,
        detail: `It lost its connection to the broker; last heard of ${ago}. ${waits}`,
      }
    : { tone: 'off', title: `${room} is offline`, detail: `It signed off ${ago}. ${waits}` };
}

function ofAttempt({ room, since, verdict, failure }: Situation, now: number): Sentence {
  const age = now - since.link;
  if (failure && age > AGAIN_MS) {
    return {
      tone: 'careful',
      title: `Connecting to ${room} again…`,
      verdict: failure,
      detail: 'That is why the last try failed.',
      again: true,
    };
  }
  if (age < SLOW_MS) return { tone: 'fine', title: `Connecting to ${room}…` };
  return {
    tone: 'careful',
    title: `Still connecting to ${room}…`,
    ...(verdict ? { verdict } : {}),
    detail: `For ${duration(age)}.`,
    again: true,
  };
}

function ofPicture({ since, lastFrameAt }: Situation, now: number): Sentence | null {
  const age = lastFrameAt === null ? Number.POSITIVE_INFINITY : now - lastFrameAt;
  if (age < FROZEN_MS) return null;
  if (lastFrameAt === null || lastFrameAt < since.link) {
    return {
      tone: 'careful',
      title: 'Connected, waiting for the picture…',
      ...(now - since.link > SLOW_MS
        ? {
            detail: `For ${duration(now - since.link)}. The car answers, its camera sends nothing.`,
            again: true,
          }
        : {}),
    };
  }
  return {
    tone: 'danger',
    title: 'The picture stands still',
    detail: `No new one for ${(age / 1000).toFixed(1)} s, though the car answers. Don’t drive by it.`,
  };
}

function ofEnd(
  { room, verdict }: Situation,
  reason: 'replaced' | 'refused' | 'full' | 'failed',
  detail: string,
): Sentence {
  const because = detail ? `${capital(detail)}. ` : '';
  switch (reason) {
    case 'full':
      return {
        tone: 'careful',
        title: `${room} has no place left`,
        detail: `${because}You get in by yourself when somebody leaves.`,
        again: true,
      };
    case 'refused': {
      const out = Object.values(VEHICLE_OUT).some((words) => words === detail);
      return {
        tone: 'danger',
        title: out ? `${room} is not let in any more` : `${room} has refused the session`,
        detail: out ? `${because}Whoever runs this fleet can give it another token.` : because,
        again: true,
      };
    }
    case 'replaced':
      return {
        tone: 'careful',
        title: `${room} has been taken over`,
        detail: `${because}Its new agent is asked for a session by itself.`,
        again: true,
      };
    case 'failed':
      return {
        tone: 'danger',
        title: `The connection to ${room} has failed`,
        ...(verdict ? { verdict } : {}),
        detail: `${verdict ? '' : because}It is tried again by itself every few seconds.`,
        again: true,
      };
  }
}
