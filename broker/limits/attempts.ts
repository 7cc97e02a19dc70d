/**
 * Failed log-in attempts per address. Only failures count: a thousand clients behind one address with good
 * credentials are never held up, and those that were let in lately are not by a neighbour's failures either: they
 * have their own to count.
 */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { addressKey } from './addresses.ts';
import type { Limits, Refusal } from './limits.ts';

/** Pairs of address and id that were let in; the oldest are forgotten first. */
const MAX_KNOWN = 10_000;

export type Attempt = { ok: true } | { ok: false; retryAfterS: number };

export interface Attempts {
  /**
   * Whether a credential from there is looked at now.
   * @param id who they say they are, if they do: the MQTT client id
   */
  allowed(address: string | undefined, id?: string): Promise<Attempt>;
  /** A credential was wrong, expired or revoked. */
  failed(address: string | undefined, id?: string): Promise<void>;
  succeeded(address: string | undefined, id?: string): void;
}

/** @param onOver is told when an address is over the limit, once, and then of each attempt that is refused */
export function createAttempts(
  limits: Pick<Limits, 'loginFailures' | 'loginSeconds'>,
  onOver: (refusal: Refusal, address: string) => void,
): Attempts {
  const { loginFailures: points, loginSeconds: duration } = limits;
  const limiter = new RateLimiterMemory({ points, duration, blockDuration: duration });
  const known = new Set<string>();
  const over = (address: string) => {
    const reason = `more than ${points} failed log-in attempts within ${duration} s`;
    onOver({ limit: 'loginFailures', reason }, address);
  };
  /** What counts: the address, or for who was let in from there lately, that alone. */
  const keyOf = (address: string, id: string | undefined) =>
    id !== undefined && known.has(`${address} ${id}`) ? `${address} ${id}` : address;

  return {
    async allowed(from, id) {
      const address = addressKey(from);
      const state = await limiter.get(keyOf(address, id));
      if (!state || state.consumedPoints <= points) return { ok: true };
      over(address);
      return { ok: false, retryAfterS: Math.max(1, Math.ceil(state.msBeforeNext / 1000)) };
    },
    async failed(from, id) {
      const address = addressKey(from);
      await limiter.consume(keyOf(address, id)).catch((state: RateLimiterRes | Error) => {
        if (state instanceof Error) throw state;
        over(address);
      });
    },
    succeeded(from, id) {
      if (id === undefined) return;
      const who = `${addressKey(from)} ${id}`;
      known.delete(who);
      known.add(who);
      if (known.size > MAX_KNOWN) known.delete(known.values().next().value as string);
    },
  };
}
