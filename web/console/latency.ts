/**
 * How late the driver is, as one number, and its history: the age of the picture on the screen and that of a
 * command when it comes to the car, together, as StVFernLV counts them. Pure, but for what it remembers.
 */
import { LATENCY_LIMIT_MS } from '../../shared/speed-limit.ts';

/** How long the history reaches back, s. */
export const HISTORY_S = 60;

/** From here on the car goes at less than half its speed. */
const DANGER_MS = 2 * LATENCY_LIMIT_MS;

export function latencyTone(ms: number | null): 'fine' | 'careful' | 'danger' | 'off' {
  if (ms === null) return 'off';
  return ms <= LATENCY_LIMIT_MS ? 'fine' : ms <= DANGER_MS ? 'careful' : 'danger';
}

/** What one number is made of, ms; null where a part is not known. */
export interface Latency {
  /** Age of the picture on the screen. */
  picture: number | null;
  /** Age of a command when it comes to the car. */
  command: number | null;
}

/** Both together, or what is known of it. */
export function together({ picture, command }: Latency): number | null {
  return picture === null && command === null ? null : (picture ?? 0) + (command ?? 0);
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
