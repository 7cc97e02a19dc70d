/** What the console says while nothing is heard of the car: since when, over what, and what is tried. Pure. */
import { SILENCE_MS } from '../../shared/heartbeat.ts';
import { attemptOf, type Live } from '../../shared/negotiation.ts';
import type { RoomView } from '../../shared/room-view.ts';
import { capital } from '../format.ts';
import { pathWords } from './link-words.ts';
import type { Sentence } from './sentence.ts';

/** @param since when the link's phase began, ms since the epoch */
export function ofSilence(view: RoomView, link: Live, since: number, now: number): Sentence {
  const over = view.path ? ` over the path (${pathWords(view.path)})` : '';
  const seconds = ((Math.max(0, now - since) + SILENCE_MS) / 1_000).toFixed(1);
  return {
    tone: 'careful',
    title: 'Connection interrupted, restoring…',
    detail: `Nothing has come${over} for ${seconds} s. The car stops by itself while it hears nothing. ${whatIsTried(view, link)}`,
  };
}

function whatIsTried({ broker, vehicle }: RoomView, link: Live): string {
  // Another path is agreed on over the broker.
  if (broker.state !== 'connected') {
    return 'The broker can’t be reached either; it is needed to find another path, and is tried again and again.';
  }
  if (vehicle?.state !== 'online') return 'The broker doesn’t see the car either.';
  return attemptOf(link)
    ? 'The car has offered other paths, which are being tried.'
    : 'The car is asked for another path.';
}

/** It can't be restored. */
export function ofLoss(detail: string): Sentence {
  const because = detail ? `${capital(detail)}. ` : '';
  return {
    tone: 'careful',
    title: 'Making a new connection…',
    detail: `${because}The car stands meanwhile.`,
  };
}
