/** The limit that a vehicle's video has while it goes over a relay and the month's budget is used up. */
import type { Usage } from './messages.ts';

export interface RelayLimit {
  /** What the server says of this vehicle's relayed data; null when it has taken it back. */
  usage(usage: Usage | null): void;
  /** Whether any of the vehicle's sessions is relayed now. */
  path(relayed: boolean): void;
}

/** @param onLimit is told the most video that may be sent, kbit/s, when that changes; null for no such limit */
export function createRelayLimit(onLimit: (kbps: number | null) => void): RelayLimit {
  let wanted: number | null = null;
  let relayed = false;
  let applied: number | null = null;

  function apply(): void {
    const limit = relayed ? wanted : null;
    if (limit === applied) return;
    applied = limit;
    onLimit(limit);
  }

  return {
    usage(usage) {
      wanted = usage?.limitKbps ?? null;
      apply();
    },
    path(now) {
      relayed = now;
      apply();
    },
  };
}
