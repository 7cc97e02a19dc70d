/** Looks at all lines about once a second, and ends those whose other end gives no sign of life. */
import type { Clock } from '../../shared/clock.ts';
import type { Line } from './line.ts';

/** How often lines are looked at, ms. */
const LOOK_MS = 1_000;

export function watchLines(clock: Clock) {
  const lines = new Set<Line>();
  let lookedAt = clock.now();
  const stop = clock.every(LOOK_MS, () => {
    const now = clock.now();
    const lateMs = now - lookedAt - LOOK_MS;
    lookedAt = now;
    for (const line of lines) {
      if (lateMs > 0) line.excuse(lateMs, now);
      line.check(now);
    }
  });
  return {
    /** Until it closes. */
    add(line: Line): void {
      lines.add(line);
      line.stream.once('close', () => lines.delete(line));
    },
    close: stop,
  };
}
