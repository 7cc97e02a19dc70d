/**
 * The simulated car as a process of its own, as a real one is a controller of its own: it goes on when the
 * agent stands still or dies, and then stops by itself. Started by car-process.ts.
 *
 * With PLNTRY_CAR_TRACE, the name of a file, it writes there what it is told and what it does, in lines of JSON.
 * Tests and benchmarks look at the car there, where no agent has a say.
 */
import { appendFileSync } from 'node:fs';
import type { Actuation, Hold } from '../../shared/safety.ts';
import type { Motion } from '../parts.ts';
import { createSimulatedDriver } from './driver.ts';
import { type Pose, readPose } from './pose.ts';

/** To the car. */
export interface CarOrder {
  actuation: Actuation;
  hold: Hold;
}

/** From the car. */
export interface CarReport {
  motion: Motion;
  pose: Pose;
}

/** A line of the trace; `at` in ms since the epoch, `speed` in m/s. */
export type Traced =
  /** An order that has come. */
  | { at: number; speed: number; order: Actuation & Hold }
  /** The throttle or the brake has changed, or the car has come to a stand or left it. */
  | { at: number; speed: number; throttle: number; brake: number };

/** 100 times a second: pictures show where the car is. */
const REPORT_MS = 10;
/** Reports that the agent has not taken; a car does not fill its memory for one that stands still. */
const MOST_WAITING = 20;

const driver = createSimulatedDriver();
const trace = process.env.PLNTRY_CAR_TRACE;
let waiting = 0;
let traced = '';

process.on('message', ({ actuation, hold }: CarOrder) => {
  if (trace) {
    // What ended by itself before it came is seen as that.
    look();
    write({ at: Date.now(), speed: driver.motion().speed, order: { ...actuation, ...hold } });
  }
  driver.apply(actuation, hold);
  look();
});
// Ctrl-C in a terminal reaches every process there; the agent says goodbye first.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => {
  clearInterval(reporting);
  // Alone, it goes on until it stands.
  setInterval(() => {
    look();
    if (driver.motion().speed === 0) process.exit();
  }, REPORT_MS);
});
const reporting = setInterval(() => {
  look();
  report();
}, REPORT_MS);
report();

function report(): void {
  if (!process.connected || waiting >= MOST_WAITING) return;
  waiting++;
  const now: CarReport = { motion: driver.motion(), pose: readPose(driver.pose) };
  process.send?.(now, undefined, undefined, () => {
    waiting--;
  });
}

function look(): void {
  if (!trace) return;
  const { throttle, brake, speed } = driver.motion();
  const now = `${throttle} ${brake} ${speed === 0}`;
  if (traced === now) return;
  traced = now;
  write({ at: Date.now(), speed, throttle, brake });
}

function write(line: Traced): void {
  if (trace) appendFileSync(trace, `${JSON.stringify(line)}\n`);
}
