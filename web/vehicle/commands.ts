/** The last command, and for how long it counts. Pure. */
import type { Command } from '../../shared/channels.ts';
import type { Doing } from '../../shared/vehicle-reports.ts';

/** A command counts for this long, ms: whoever drives sends one every 20 ms. */
export const FRESH_MS = 500;

export interface Heard {
  command: Command;
  /** When it came, ms since the epoch. */
  at: number;
}

/** What this vehicle does: what it is told while it is told something, and otherwise nothing. */
export function doingNow(heard: Heard | null, holder: string | null, speed: number, now: number): Doing {
  if (holder === null || heard === null) {
    return {
      speed,
      steer: 0,
      throttle: 0,
      brake: 1,
      gear: 'N',
      safety: holder === null ? 'ready' : 'stopped',
    };
  }
  const { steer, throttle, brake, gear } = heard.command;
  if (now - heard.at > FRESH_MS) return { speed, steer: 0, throttle: 0, brake: 1, gear, safety: 'stopped' };
  return { speed, steer, throttle, brake, gear, safety: 'driving' };
}
