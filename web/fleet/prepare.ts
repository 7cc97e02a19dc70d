/**
 * Gets the console ready while somebody is about to choose a car: its code, its connection to the
 * broker and the ICE servers are there by the time of the click, which then only has to announce.
 */

/** A pointer that only passes over a row stays shorter than this, ms. */
const DWELL_MS = 60;

let dwelling: ReturnType<typeof setTimeout> | undefined;

export function prepareSoon(room: string): void {
  clearTimeout(dwelling);
  dwelling = setTimeout(() => prepare(room), DWELL_MS);
}

/** The choice is made: what was about to be prepared isn't wanted any more. */
export function stopPreparing(): void {
  clearTimeout(dwelling);
}

export function prepare(room: string): void {
  stopPreparing();
  void import('../console/page.tsx').then((page) => page.prepare(room)).catch(() => {});
}
