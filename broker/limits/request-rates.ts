/** How fast HTTP requests come from each address. */

import { type Bucket, createBucket } from '../../shared/bucket.ts';
import type { Clock } from '../../shared/clock.ts';
import { addressKey } from './addresses.ts';
import { BURST_S } from './limits.ts';

/** Addresses that are kept count of; those that have been quiet are forgotten when there are more. */
const MOST_ADDRESSES = 10_000;

/** @returns whether a request from there is one too many; each is counted */
export function createRequestRates(
  perSecond: number,
  clock: Clock,
): (address: string | undefined) => boolean {
  const buckets = new Map<string, Bucket>();

  function forgetQuiet(now: number): void {
    for (const [key, bucket] of buckets) if (bucket.level(now) === 1) buckets.delete(key);
    // Of so many at once somebody is forgotten who is not quiet, and begins anew.
    for (const key of buckets.keys()) {
      if (buckets.size <= MOST_ADDRESSES / 2) return;
      buckets.delete(key);
    }
  }

  return (address) => {
    const [key, now] = [addressKey(address), clock.now()];
    let bucket = buckets.get(key);
    if (!bucket) {
      if (buckets.size >= MOST_ADDRESSES) forgetQuiet(now);
      bucket = createBucket(perSecond, BURST_S, now);
      buckets.set(key, bucket);
    }
    if (bucket.waitMs(now) > 0) return true;
    bucket.take(1, now);
    return false;
  };
}
