/**
 * Who may drive: at most one operator at a time, granted by the vehicle. The rules are pure; the vehicle's
 * end of the room keeps the lease and tells everyone.
 */
import type { Clock } from './clock.ts';

export interface LeaseState {
  readonly holder: string | null;
  /** Grows with every grant; commands with another number move nothing. */
  readonly number: number;
  /** When the holder changed, ms since the epoch. */
  readonly since: number;
}

export const noLease = (now: number): LeaseState => ({ holder: null, number: 0, since: now });

export type LeaseAnswer = { granted: true; lease: LeaseState } | { granted: false; reason: string };

/** The first who asks drives, until release or leaving; asking again gives the same lease. */
export function requestLease(lease: LeaseState, peer: string, now: number): LeaseAnswer {
  if (lease.holder === peer) return { granted: true, lease };
  if (lease.holder !== null) return { granted: false, reason: `${lease.holder} is driving` };
  return { granted: true, lease: { holder: peer, number: lease.number + 1, since: now } };
}

/** The peer has let go, or has gone; no change when somebody else drives. */
export function releaseLease(lease: LeaseState, peer: string, now: number): LeaseState {
  return lease.holder === peer ? { ...lease, holder: null, since: now } : lease;
}

/** Whoever drove when its session was lost has the wheel again in a new one that comes within this time, ms. */
export const REGAIN_MS = 10_000;

/** The lease of one vehicle. @param onChange is told each new lease, and whether its holder has asked for it */
export function keepLease(clock: Clock, onChange: (lease: LeaseState, asked: boolean) => void) {
  let lease = noLease(clock.now());
  /** Who has lost its session while it drove, and until when it is missed, ms. */
  let missed: { peer: string; until: number } | null = null;
  function set(next: LeaseState, asked = false): void {
    if (next === lease) return;
    lease = next;
    onChange(lease, asked);
  }
  function grant(peer: string, asked: boolean): LeaseAnswer {
    const answer = requestLease(lease, peer, clock.now());
    if (answer.granted) {
      missed = null;
      set(answer.lease, asked);
    }
    return answer;
  }
  return {
    get now(): LeaseState {
      return lease;
    },
    request: (peer: string): LeaseAnswer => grant(peer, true),
    /** The same holder under a new number: what was sent under the old one moves nothing any more. */
    renew(): void {
      if (lease.holder !== null) set({ ...lease, number: lease.number + 1 });
    },
    release(peer: string): void {
      if (missed?.peer === peer) missed = null;
      set(releaseLease(lease, peer, clock.now()));
    },
    /** The holder's session has ended without its doing. */
    lose(peer: string): void {
      if (lease.holder !== peer) return;
      missed = { peer, until: clock.now() + REGAIN_MS };
      set(releaseLease(lease, peer, clock.now()));
    },
    /** A session begins. @returns the lease, for the one who drove and whom nobody has followed */
    regain(peer: string): LeaseState | null {
      if (missed?.peer !== peer || clock.now() > missed.until) return null;
      const answer = grant(peer, false);
      return answer.granted ? answer.lease : null;
    },
  };
}
