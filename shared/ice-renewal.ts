/**
 * ICE servers that stay usable: asked for again at half of their life, so that whatever begins with them,
 * and every ICE restart, finds credentials that last. When that fails, those at hand go on being used.
 */
import type { Clock } from './clock.ts';
import type { IceAnswer, IceServer } from './server-api.ts';

/** The shortest between two answers, ms. */
export const SHORTEST_MS = 15_000;
/** Wait after an attempt that failed, ms; doubles with each. */
export const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;

export interface IceRenewalOptions {
  /** Rejects with an Error that says, in a few words, why there is no answer. */
  ask(): Promise<IceAnswer>;
  clock: Clock;
  /** The servers or the warnings are not what they were. */
  onChange(now: IceState): void;
}

export interface IceState {
  /** Another array only when one of them has changed. */
  servers: IceServer[];
  /** What is missing from them and why, each a sentence. */
  warnings: string[];
}

export type IceRenewal = ReturnType<typeof renewIceServers>;

export function renewIceServers({ ask, clock, onChange }: IceRenewalOptions) {
  let state: IceState = { servers: [], warnings: [] };
  let askedAt = Number.NEGATIVE_INFINITY;
  let dueAt = 0;
  let validUntil = Number.NEGATIVE_INFINITY;
  let retry = FIRST_RETRY_MS;
  let asking = false;
  let closed = false;
  let cancel = () => {};

  async function renew(): Promise<void> {
    if (asking || closed) return;
    asking = true;
    cancel();
    askedAt = clock.now();
    let wait = retry;
    try {
      const { iceServers, ttl, warnings = [] } = await ask();
      wait = Math.max(SHORTEST_MS, ttl * 500);
      retry = FIRST_RETRY_MS;
      validUntil = askedAt + ttl * 1000;
      change({ servers: same(iceServers, state.servers) ? state.servers : iceServers, warnings });
    } catch (error) {
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
      const why = error instanceof Error ? error.message : String(error);
      change({ servers: state.servers, warnings: [failure(validUntil - clock.now(), why)] });
    }
    asking = false;
    if (closed) return;
    dueAt = clock.now() + wait;
    cancel = clock.after(wait, () => void renew());
  }

  function change(next: IceState): void {
    const before = state;
    state = next;
    if (closed || (next.servers === before.servers && same(next.warnings, before.warnings))) return;
    onChange(next);
  }

  const first = renew();
  return {
    /** Resolves when the first attempt is over, however it ended. */
    first,
    /** Asks at once, unless that was done a moment ago: the server is another one, perhaps with other settings. */
    again(): void {
      if (clock.now() - askedAt >= FIRST_RETRY_MS) void renew();
    },
    get state(): IceState {
      // Timers stand still while a computer sleeps.
      if (clock.now() >= dueAt) void renew();
      return state;
    },
    close(): void {
      closed = true;
      cancel();
    },
  };
}

/** @param leftMs until those at hand expire */
function failure(leftMs: number, why: string): string {
  if (leftMs === Number.NEGATIVE_INFINITY) return `There are no STUN and TURN servers yet: ${why}.`;
  const expired = leftMs <= 0 ? ', and those at hand have expired' : '';
  return `STUN and TURN servers could not be renewed${expired}: ${why}.`;
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
