/**
 * What one person may cost a vehicle, whatever pages and connections it comes with: each costs time in which
 * nothing else of the vehicle's happens. Pure: the clock is the caller's.
 */
import { type Bucket, createBucket } from './bucket.ts';
import { sessionOfPeer as personOf } from './roles.ts';

export interface Rate {
  perSecond: number;
  /** At once. */
  burst: number;
}

/** Signatures that are wrong. An honest operator's are right; some others may be said in its name. */
export const FAILURES: Rate = { perSecond: 5, burst: 10 };
/** Connections that are made: four pages, and one after the other for each while a path is looked for. */
export const CONNECTIONS: Rate = { perSecond: 1, burst: 10 };
/** Who was put out for a flood makes no connection for about so long, s. */
export const FLOODED = 20;
/** People who are remembered; those whose budget is whole again need not be. */
const MOST_PEOPLE = 1_000;

export type PersonBudget = ReturnType<typeof createPersonBudget>;

/** @param now ms */
export function createPersonBudget({ perSecond, burst }: Rate, now: () => number) {
  const people = new Map<string, Bucket>();

  return {
    /** Nothing more of this peer's person is looked at for now. */
    isSpent: (peer: string): boolean => (people.get(personOf(peer))?.waitMs(now()) ?? 0) > 0,
    charge(peer: string, amount = 1): void {
      const person = personOf(peer);
      const bucket = people.get(person) ?? createBucket(perSecond, burst / perSecond, now());
      people.set(person, bucket);
      bucket.take(amount, now());
      if (people.size <= MOST_PEOPLE) return;
      for (const [each, one] of people) if (one.level(now()) >= 1) people.delete(each);
    },
  };
}
