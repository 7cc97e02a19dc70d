/**
 * Which command moved the car, and when it was sent: the probe in the page (probe.js) adds to the steering of each
 * command less than a thousandth of the lock, which says the moment of its sending, modulo 10 s, and by its sign
 * the operator. Both clocks are this machine's.
 */
import type { Actuation } from '../../../shared/safety.ts';
import type { Traced } from '../../../vehicle/simulated/car.ts';

export type Order = Extract<Traced, { order: unknown }>;
export type Done = Extract<Traced, { throttle: number }>;

export const isOrder = (line: Traced): line is Order => 'order' in line;
export const isDone = (line: Traced): line is Done => 'throttle' in line;

const UNIT = 1e-7;
const MODULO_MS = 10_000;
/** Clocks are read one after the other: a command may seem to be applied a little before it was sent, ms. */
const MOST_AHEAD_MS = 50;

export interface Mark {
  operator: 'first' | 'second' | 'forger';
  /** When the command was sent, ms since the epoch. */
  sentAt: number;
}

/** Null for an actuation that is no operator's: the car is held. */
export function markOf({ steer }: Pick<Actuation, 'steer'>, at: number): Mark | null {
  if (steer === 0) return null;
  const count = Math.round(Math.abs(steer) / UNIT) - 1;
  if (count >= MODULO_MS) return { operator: 'forger', sentAt: Number.NaN };
  const age = (((at + MOST_AHEAD_MS - count) % MODULO_MS) + MODULO_MS) % MODULO_MS;
  return { operator: steer > 0 ? 'first' : 'second', sentAt: at + MOST_AHEAD_MS - age };
}
