/**
 * Says a thing once, however often it happens: at once in the log, and then, each minute, how many more
 * there were. Whoever can cause a line in the log could otherwise fill the disk.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';

/** What was said is not said again until so much time has passed without it. */
export const QUIET_MS = 60_000;
/** Different things that are said within that time, unless told otherwise; what is more is only counted. */
export const MAX_KEYS = 200;

export interface SaidOnce {
  /** @param key what is the same thing: who and what, without numbers that change */
  say(key: string, fields: object, message: string): void;
  /** Says what is still to be said. */
  close(): void;
}

export function createSaidOnce(log: Log, clock: Clock, most = MAX_KEYS): SaidOnce {
  const said = new Map<string, { fields: object; message: string; more: number }>();
  let others = 0;

  function sum(): void {
    for (const [key, entry] of said) {
      // What goes on is known already; what has stopped is news when it comes again.
      if (entry.more === 0) said.delete(key);
      else log.warn({ ...entry.fields, more: entry.more }, entry.message);
      entry.more = 0;
    }
    if (others > 0) log.warn({ more: others }, 'more refusals, of too many kinds to name');
    others = 0;
  }

  const stop = clock.every(QUIET_MS, sum);
  return {
    say(key, fields, message) {
      const known = said.get(key);
      if (known) {
        known.more += 1;
      } else if (said.size < most) {
        said.set(key, { fields, message, more: 0 });
        log.warn(fields, message);
      } else {
        others += 1;
      }
    },
    close() {
      stop();
      sum();
    },
  };
}
