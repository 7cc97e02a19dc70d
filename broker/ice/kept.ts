/**
 * A service's answer, kept for a part of its life: a thousand pages don't cost a thousand requests, and
 * while the service is out of order its last answer goes on being used.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { type IceGrant, type IceProvider, ProviderError } from './provider.ts';

/** A service that has not answered after this counts as out of order, ms. */
const TIMEOUT_MS = 3_000;
/** Wait before a service that failed is asked again, ms; doubles with each failure. */
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** An answer that ends sooner is of no use: one has to connect with it first, seconds. */
const SHORTEST_TTL_S = 30;

/** What there is now: null when nothing is valid, and what is wrong, if anything is. */
export interface Kept {
  grant: IceGrant | null;
  warning: string | null;
}

/** @param onFailure a request to the service has failed */
export function keepAnswers(
  provider: IceProvider,
  clock: Clock,
  log: Log,
  onFailure: () => void,
): (peer: string) => Promise<Kept> {
  let answer: { grant: IceGrant; at: number } | null = null;
  let failure: { sentence: string; retryAt: number; delay: number } | null = null;
  let asking: Promise<void> | null = null;

  async function ask(peer: string): Promise<void> {
    // From before the request: the service counts from somewhere in between.
    const at = clock.now();
    const abort = new AbortController();
    const stop = clock.after(TIMEOUT_MS, () => abort.abort());
    try {
      answer = { grant: await provider.iceServers(peer, abort.signal), at };
      if (failure) log.info({ provider: provider.name }, `${provider.name} answers again`);
      failure = null;
    } catch (error) {
      // What isn't meant for people may hold a secret.
      fail(
        error instanceof ProviderError ? error.message : `${provider.name} can't be asked, by a fault here.`,
      );
    } finally {
      stop();
      asking = null;
    }
  }

  function fail(sentence: string): void {
    onFailure();
    const delay = failure ? Math.min(failure.delay * 2, LONGEST_RETRY_MS) : FIRST_RETRY_MS;
    if (failure?.sentence !== sentence) log.warn({ provider: provider.name }, sentence);
    failure = { sentence, delay, retryAt: clock.now() + delay };
  }

  function left(): IceGrant | null {
    if (!answer) return null;
    const ttl = Math.floor(answer.grant.ttl - (clock.now() - answer.at) / 1000);
    return ttl < Math.min(SHORTEST_TTL_S, answer.grant.ttl) ? null : { ...answer.grant, ttl };
  }

  /** An answer does for the first half of its life; then a new one is got. */
  function isDue(): boolean {
    if (failure) return clock.now() >= failure.retryAt;
    return !answer || clock.now() >= answer.at + answer.grant.ttl * 500;
  }

  return async (peer) => {
    if (isDue()) asking ??= ask(peer);
    // With a valid answer at hand nobody waits for the next.
    if (asking && left() === null) await asking;
    return { grant: left(), warning: failure?.sentence ?? null };
  };
}
