/** The round trip to the car as one number, and its history. Pure, but for what it remembers. */

/** How long the history reaches back, s. */
export const HISTORY_S = 60;

/** Up to here a driver feels nothing; beyond it, driving takes care; beyond the second, don't. ms */
const FINE_MS = 100;
const CAREFUL_MS = 250;

export function roundTripTone(ms: number | null): 'fine' | 'careful' | 'danger' | 'off' {
  if (ms === null) return 'off';
  return ms <= FINE_MS ? 'fine' : ms <= CAREFUL_MS ? 'careful' : 'danger';
}

/** The middle one: a single late command says little. */
export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** As uPlot takes it: times in s, and values, null where there was none. */
export type History = [times: number[], values: (number | null)[]];

export const NO_HISTORY: History = [[], []];

/** The history with one more value, without what is too old. @param at s */
export function remember([times, values]: History, at: number, value: number | null): History {
  const from = times.findIndex((time) => time > at - HISTORY_S);
  const kept = from < 0 ? times.length : from;
  return [
    [...times.slice(kept), at],
    [...values.slice(kept), value],
  ];
}
