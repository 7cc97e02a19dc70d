/**
 * A token bucket: so much a second, and a burst at once. It may be overdrawn, and is paid back by waiting.
 *
 * Our own, since it is asked for every packet: rate-limiter-flexible, which counts log-in attempts, makes a
 * promise for each and keeps a timer for each client, and its windows let twice the rate through at their seams.
 */
export interface Bucket {
  /** Takes an amount, more than there is if need be. */
  take(amount: number, now: number): void;
  /** ms until there is at least one; 0 when there is. */
  waitMs(now: number): number;
  /** How full it is: 1 is full, 0 empty, below 0 overdrawn. */
  level(now: number): number;
}

/** @param perSecond more than 0 @param burstS the burst is what comes in so many seconds */
export function createBucket(perSecond: number, burstS: number, now: number): Bucket {
  const most = perSecond * burstS;
  let tokens = most;
  let at = now;
  const fill = (time: number) => {
    tokens = Math.min(most, tokens + (Math.max(0, time - at) * perSecond) / 1000);
    at = time;
  };
  return {
    take(amount, time) {
      fill(time);
      tokens -= amount;
    },
    waitMs(time) {
      fill(time);
      return tokens >= 1 ? 0 : Math.max(1, ((1 - tokens) / perSecond) * 1000);
    },
    level(time) {
      fill(time);
      return tokens / most;
    },
  };
}
