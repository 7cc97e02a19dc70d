/**
 * How late a command is, by its sender's clock: what waited in a queue, or in a process that stood still, is known
 * as late when it comes at last.
 */
import { type ClockEstimate, createClockSync } from './clock-sync.ts';

/** A command that is older than this when it comes moves nothing, ms. */
export const MAX_AGE_MS = 500;
/** By how much a command may seem to come from the future: as well as clocks are known, ms. */
const MOST_AHEAD_MS = 100;
/** After a pause of this much, what comes may have been held back on its way, ms. */
const PAUSE_MS = 150;
/** One that comes this much later than those before the pause has been, or the path has become longer, ms. */
const SLOWER_MS = 50;

export type Freshness =
  /** @param age since it was sent, ms; null while the clocks aren't known */
  { fresh: true; age: number } | { fresh: false; age: number | null; why: string };

/**
 * Whether one operator's commands are fresh: by the operator's clock, as it is known from the `clock` events
 * that go to and fro (as in NTP), and by their pace. What was held back comes all at once: of that not even
 * the last one counts, since what follows at the pace of its sending says what is wanted now.
 */
export function createFreshness() {
  const sync = createClockSync();
  let clock: ClockEstimate | null = null;
  let last: { sent: number; arrived: number; age: number } | null = null;
  let catchingUp = false;

  /** After a pause, until commands come as they are sent. */
  function isHeldBack(sent: number, arrived: number, age: number): boolean {
    if (last === null) return false;
    const [pause, between] = [arrived - last.arrived, sent - last.sent];
    if (pause > PAUSE_MS) catchingUp = age > last.age + SLOWER_MS;
    else if (catchingUp) catchingUp = pause < between / 2;
    return catchingUp;
  }

  return {
    /**
     * The operator has said what time it is, and answers what this end said.
     * @param t operator's clock, ms
     * @param echo this end's clock when it said that, ms
     * @param held how long ago the operator had heard it, ms
     * @param now this end's clock, ms
     */
    clock(t: number, echo: number, held: number, now: number): void {
      const asked = echo + held;
      // What can't be is of no use: nobody answers before the question.
      if (held >= 0 && asked <= now) clock = sync(asked, t, now);
    },
    /** A command has come. @param t operator's clock, ms @param now this end's clock, ms */
    command(t: number, now: number): Freshness {
      // How old it is can't be said: it may have waited for any time.
      if (clock === null) return { fresh: false, age: null, why: 'a command by an unknown clock' };
      const age = now - (t - clock.offset);
      const heldBack = isHeldBack(t, now, age);
      last = { sent: t, arrived: now, age };
      const known = Math.max(0, age);
      const stale = (why: string): Freshness => ({ fresh: false, age: known, why });
      if (age > MAX_AGE_MS) return stale('a late command');
      if (age < -MOST_AHEAD_MS) return stale('a command from the future');
      return heldBack ? stale('a command that was held back') : { fresh: true, age: known };
    },
  };
}
