/**
 * How late a message is, by its sender's clock. The two clocks need not agree: the quickest message of
 * the last while is taken for one that came without delay, and others are compared with it.
 */

const WINDOW_MS = 15_000;

/** Makes the measure for one sender. */
export function createLateness() {
  let windowEnds = Number.NEGATIVE_INFINITY;
  let current = Number.POSITIVE_INFINITY;
  let previous = Number.POSITIVE_INFINITY;
  /**
   * @param sent on the sender's clock, ms
   * @param arrived on this clock, ms
   * @returns ms beyond the quickest message of the last 15 to 30 s; 0 for the first
   */
  return (sent: number, arrived: number): number => {
    const apparent = arrived - sent;
    // Clocks drift apart by some ms a minute, so the quickest is forgotten after a while.
    if (arrived >= windowEnds) {
      previous = current;
      current = Number.POSITIVE_INFINITY;
      windowEnds = arrived + WINDOW_MS;
    }
    current = Math.min(current, apparent);
    return apparent - Math.min(current, previous);
  };
}
