/**
 * How many are let in at a time; those who come and find no place wait for one. Sessions that are made
 * before their operators enter take no place; there may be a few of them, for a while.
 */

import { isLive, type Link } from './negotiation.ts';

/** Offers without an answer, after which an operator no longer takes up a place. */
const UNANSWERED_TRIES = 2;
/** Sessions that are made ahead at a time. */
const MOST_AHEAD = 3;
/** After this a session that nobody has entered ends, ms; pages give theirs up earlier. */
export const UNUSED_MS = 20_000;

export interface Visitor {
  session: { link: Link };
  /** It has come; until then its session is made ahead. */
  entered: boolean;
}

/** @param most places */
export function createAdmission(
  most: number,
  visitors: ReadonlyMap<string, Visitor>,
  onTurnedAway: (peer: string) => void,
) {
  const count = (fits: (visitor: Visitor) => boolean) => [...visitors.values()].filter(fits).length;
  const taken = () => count(({ entered, session }) => entered && isAnswering(session.link));
  const ahead = () => count(({ entered }) => !entered);
  /** Who waits, the first first, with their epochs. */
  const waiting = new Map<string, number>();

  return {
    /** Whether there is a place for a newcomer; one for whom there is none waits. */
    ask(peer: string, epoch: number): boolean {
      if (taken() < most) return true;
      waiting.set(peer, epoch);
      onTurnedAway(peer);
      return false;
    },
    mayPrepare: (): boolean => ahead() < MOST_AHEAD,
    /** Does not wait any more. */
    leave: (peer: string) => waiting.delete(peer),
    /** Those who wait, one by one, as long as there are places: each is to take one. */
    *next(): Generator<[peer: string, epoch: number]> {
      for (const entry of waiting) {
        if (taken() >= most) return;
        waiting.delete(entry[0]);
        yield entry;
      }
    },
  };
}

/** Places are for those who answer: a presence that nobody stands behind must not keep others out. */
const isAnswering = (link: Link) =>
  isLive(link) &&
  (link.phase !== 'connecting' || link.attempt.answered || link.attempt.tries < UNANSWERED_TRIES);
