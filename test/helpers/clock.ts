/** Time that only passes when it is told to. */
import type { Clock } from '../../shared/clock.ts';

export function manualClock(start = 1_800_000_000_000) {
  let now = start;
  const timers = new Set<{ at: number; every: number | null; callback: () => void }>();
  const clock: Clock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, every: null, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    every(ms, callback) {
      const timer = { at: now + ms, every: ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return {
    clock,
    /** Runs what is due meanwhile, each at its time. */
    pass(ms: number): void {
      const until = now + ms;
      for (;;) {
        const next = [...timers].sort((a, b) => a.at - b.at)[0];
        if (!next || next.at > until) break;
        now = Math.max(now, next.at);
        if (next.every === null) timers.delete(next);
        else next.at += next.every;
        next.callback();
      }
      now = until;
    },
    /** Time goes on and nothing runs, as in a process that stands still; then what was due runs once. */
    freeze(ms: number): void {
      now += ms;
      for (const timer of timers) timer.at = Math.max(timer.at, now);
    },
    /** When the next is due, ms since the epoch; never, unless something waits. */
    get dueAt(): number {
      return Math.min(...[...timers].map(({ at }) => at));
    },
  };
}

/** A clock that is moved too, and lets promises go on between one thing that is due and the next. */
export function testClock(start?: number) {
  const time = manualClock(start);
  const { clock } = time;
  return {
    ...clock,
    async pass(ms: number): Promise<void> {
      const until = clock.now() + ms;
      while (clock.now() < until) {
        time.pass(Math.min(until, time.dueAt) - clock.now());
        await new Promise(setImmediate);
      }
      await new Promise(setImmediate);
    },
  };
}
