/**
 * How often peers connect. Each time they have their burst of messages anew, everybody hears of them, and the log
 * has a line or two: a token's holder who comes and goes without end is refused, and said once.
 */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Limits, Refusal } from './limits.ts';

const WINDOW_S = 60;
/** So many are said one by one in that time, of one peer. */
const MOST_SAID = 20;

export interface Coming {
  refusal: Refusal | null;
  /** Whether it is to be said one by one. */
  isSaid: boolean;
}

export interface Comings {
  /** One has come who may come in. @param who the peer, or the session of its page */
  came(who: string): Promise<Coming>;
}

export function createComings({ connects: points }: Pick<Limits, 'connects'>): Comings {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_S });
  return {
    async came(who) {
      try {
        const { consumedPoints } = await limiter.consume(who);
        return { refusal: null, isSaid: consumedPoints <= MOST_SAID };
      } catch (state) {
        if (state instanceof Error) throw state;
        const waitS = Math.ceil((state as RateLimiterRes).msBeforeNext / 1000);
        const reason = `it came more than ${points} times in ${WINDOW_S} s: it may again in ${waitS} s`;
        return { refusal: { limit: 'connects', reason }, isSaid: false };
      }
    },
  };
}
