/**
 * Failed log-in attempts per address. Credentials are looked at first, and only those that are bad count: who has a
 * good one is let in, whatever its neighbours behind the same address have tried. Tokens are signed with 256 bits
 * and checked within a fraction of a millisecond, so looking gives nothing away and costs less than the connection.
 */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { addressKey } from './addresses.ts';
import type { Limits, Refusal } from './limits.ts';

/** `code`: what an OpenID provider has to be asked about; counted apart, as those are held back before. */
export type Credential = 'token' | 'code';

export interface Attempts {
  /**
   * One was bad.
   * @returns how long the address has to wait, seconds; null while it has not failed too often
   */
  failed(address: string | undefined, credential?: Credential): Promise<number | null>;
  /** The same, of what was bad until now: for those that are not to be looked at meanwhile. */
  waitOf(address: string | undefined, credential: Credential): Promise<number | null>;
}

/** @param onOver is told of each attempt that is over the limit */
export function createAttempts(
  limits: Pick<Limits, 'loginFailures' | 'loginSeconds'>,
  onOver: (refusal: Refusal, address: string) => void,
): Attempts {
  const { loginFailures: points, loginSeconds: duration } = limits;
  const limiter = new RateLimiterMemory({ points, duration, blockDuration: duration });

  function over(address: string, { msBeforeNext }: RateLimiterRes): number {
    const reason = `more than ${points} failed log-in attempts within ${duration} s`;
    onOver({ limit: 'loginFailures', reason }, address);
    return Math.max(1, Math.ceil(msBeforeNext / 1000));
  }

  return {
    async failed(from, credential = 'token') {
      const address = addressKey(from);
      try {
        await limiter.consume(`${credential} ${address}`);
        return null;
      } catch (state) {
        if (state instanceof Error) throw state;
        return over(address, state as RateLimiterRes);
      }
    },
    async waitOf(from, credential) {
      const address = addressKey(from);
      const state = await limiter.get(`${credential} ${address}`);
      return state && state.consumedPoints > points ? over(address, state) : null;
    },
  };
}
