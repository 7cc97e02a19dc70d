/** What a fault did to the drive, by the car's own trace. */
import { BRAKE_MS, RELEASE_MS } from '../../../shared/safety.ts';
import type { Traced } from '../../../vehicle/simulated/car.ts';
import { isDone, isOrder, type Mark, markOf } from './marks.ts';

/** The vehicle decides what to apply every so often, ms. */
const TICK_MS = 20;
/** From the last fresh command, ms. */
export const RELEASE_LIMIT_MS = RELEASE_MS + TICK_MS;
export const BRAKE_LIMIT_MS = BRAKE_MS + TICK_MS;

/** Times of one thing that the car did, ms; null where what they count from was not there. */
export interface Times {
  /** ms since the epoch. */
  at: number;
  fromFault: number;
  /** From the arrival of the last command that the vehicle took for fresh, by its own account. */
  fromFresh: number;
  /** From the sending of that command, by the page's clock: the path's delay is in it. */
  fromSending: number;
}

export interface Stop {
  release: Times;
  /** Null where it has not come to that. */
  brake: Times | null;
}

/** Whether the car is driven, as its last word has it. */
export const hasThrottle = (lines: Traced[]): boolean => (lines.findLast(isDone)?.throttle ?? 0) > 0;

/**
 * The first release of the throttle after the fault, and the brake after it; undefined where the throttle stays on.
 * @param struckAt ms since the epoch
 */
export function stopAfter(lines: Traced[], struckAt: number): Stop | undefined {
  const done = lines.filter(isDone);
  const release = done.findIndex(({ at, throttle }) => at >= struckAt && throttle === 0);
  const released = done[release];
  if (!released) return undefined;
  const braked = done.slice(release).find(({ brake, throttle }) => brake === 1 || throttle > 0);
  return {
    // A neutral command releases at once: what counts is the last one that drove.
    release: timesOf(lines, released, struckAt, ({ throttle }) => throttle > 0),
    brake: braked?.brake === 1 ? timesOf(lines, braked, struckAt, () => true) : null,
  };
}

function timesOf(
  lines: Traced[],
  line: Traced,
  struckAt: number,
  counts: (order: { throttle: number }) => boolean,
): Times {
  const { at } = line;
  const orders = lines
    .slice(0, lines.indexOf(line))
    .filter(isOrder)
    .filter(({ order }) => order.brakeIn > 0 && counts(order));
  // An order says how long it may be held, and so how old the command was that it is based on.
  const fresh = orders.map((line) => line.at + line.order.brakeIn - BRAKE_MS);
  const sent = orders.map((line) => markOf(line.order, line.at)?.sentAt ?? Number.NEGATIVE_INFINITY);
  return {
    at,
    fromFault: at - struckAt,
    fromFresh: at - Math.max(...fresh),
    fromSending: at - Math.max(...sent),
  };
}

/** Commands that moved the car after that time, each once. @param after ms since the epoch */
export function appliedAfter(lines: Traced[], after: number) {
  const applied: (Mark & { at: number; throttle: number })[] = [];
  let known = 0;
  for (const { at, order } of lines.filter(isOrder)) {
    const mark = markOf(order, at);
    // One that is being stopped, or held, goes on with the steering that it had; it has no time to end.
    if (!mark || order.steer === known || order.brakeIn === 0) continue;
    known = order.steer;
    if (at > after) applied.push({ at, ...mark, throttle: order.throttle });
  }
  return applied;
}
