/** All that must stop the car, or must not: what is done, and what may come of it. Figures are the benchmark's. */
import type { Traced } from '../../../vehicle/simulated/car.ts';
import { type Driving, driveAtSpeed, untilStanding } from './drive.ts';
import { BRAKE_LIMIT_MS, RELEASE_LIMIT_MS, type Stop, stopAfter } from './figures.ts';
import { isDone } from './marks.ts';

/** What one fault came to. */
export interface Outcome {
  /** Null where the throttle stayed on. */
  stop: Stop | null;
  /** What was sent, applied, seen. */
  counts: Record<string, number>;
  /** Commands that moved the car and must not have. */
  applied?: number;
  /** What must not be, each a sentence. */
  problems: string[];
  /** What a busy machine does too: too late, or the drive interrupted for a moment. */
  hitches: string[];
  /** The car's own words from just before the fault on. */
  trace: Traced[];
}

export interface SafetyFault {
  name: string;
  /** stops: throttle off and full brake; pauses: throttle off for a moment; none: the drive goes on. */
  effect: 'stops' | 'pauses' | 'none';
  /** While somebody drives, to the end, when whoever drives can drive on. */
  run(driving: Driving): Promise<Outcome>;
}

/** What is looked at of the time before the fault, ms. */
const BEFORE_MS = 300;

export const traceSince = ({ car }: Driving, at: number) =>
  car.lines.filter((line) => line.at >= at - BEFORE_MS);

interface Stopping {
  /** @returns the time of the fault, ms since the epoch */
  strike(driving: Driving): Promise<number>;
  /** The car stands: the fault ends. The throttle is still held, where somebody is there to hold it. */
  mend?(driving: Driving, struckAt: number): Promise<void>;
  /** What else must not be. */
  check?(trace: Traced[], struckAt: number): string[];
}

export function stopping(name: string, { strike, mend, check }: Stopping): SafetyFault {
  return {
    name,
    effect: 'stops',
    async run(driving) {
      await driveAtSpeed(driving);
      const { car } = driving;
      const from = car.lines.length;
      const struckAt = await strike(driving);
      await car.until('it brakes', from, (lines) => stopAfter(lines, struckAt)?.brake ?? undefined);
      await untilStanding(driving, from);
      await mend?.(driving, struckAt);
      // Of the car that was driven, should there be another now.
      const trace = car.lines.filter((line) => line.at >= struckAt - BEFORE_MS);
      const stop = stopAfter(trace, struckAt) ?? null;
      const again = trace.some(
        (line) => isDone(line) && line.throttle > 0 && line.at > (stop?.release.at ?? 0),
      );
      const problems = again ? ['the car was moved again before the throttle was let go'] : [];
      return {
        stop,
        counts: {},
        problems: [...problems, ...(check?.(trace, struckAt) ?? [])],
        hitches: stop ? lateness(stop) : [],
        trace,
      };
    },
  };
}

/** Whether the times were kept, by the vehicle's own account of when the last fresh command came. */
export function lateness({ release, brake }: Stop): string[] {
  const late = [];
  if (release.fromFresh > RELEASE_LIMIT_MS) late.push(`throttle off ${release.fromFresh} ms after the last`);
  if (brake && brake.fromFresh > BRAKE_LIMIT_MS) late.push(`brake on ${brake.fromFresh} ms after the last`);
  return late;
}
