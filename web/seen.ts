/** When a vehicle was last heard of. */
import type { Presence, Telemetry } from '../shared/messages.ts';

/**
 * By the vehicle's own clock, ms since the epoch. A lost vehicle's presence is its will, which was
 * written when it connected; its last telemetry is nearer to the truth.
 */
export function lastSeen(presence: Presence, telemetry: Telemetry | null): number {
  return Math.max(presence.since, presence.ts, telemetry?.ts ?? 0);
}
