/**
 * How many wrong signatures of one person are looked at: each costs time in which nothing else of the vehicle's
 * happens, and a token has many connections to send them on.
 */
import { sessionOfPeer as personOf } from './roles.ts';

/** At once, and per second after that. An honest operator's are right; some others may be said in its name. */
export const BURST = 10;
export const PER_SECOND = 5;
/** People who are remembered; those whose budget is whole again need not be. */
const MOST_PEOPLE = 1_000;

export type FailureBudget = ReturnType<typeof createFailureBudget>;

/** @param now ms */
export function createFailureBudget(now: () => number) {
  /** What each has left, and when that was so. */
  const people = new Map<string, { left: number; at: number }>();

  function leftOf(person: string): number {
    const known = people.get(person);
    if (!known) return BURST;
    return Math.min(BURST, known.left + (Math.max(0, now() - known.at) * PER_SECOND) / 1_000);
  }

  return {
    /** Nothing more of this peer's person is looked at for now. */
    isSpent: (peer: string): boolean => leftOf(personOf(peer)) < 1,
    failed(peer: string): void {
      const person = personOf(peer);
      people.set(person, { left: leftOf(person) - 1, at: now() });
      if (people.size <= MOST_PEOPLE) return;
      for (const each of people.keys()) if (leftOf(each) >= BURST) people.delete(each);
    },
  };
}
