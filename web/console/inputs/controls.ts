/** What an operator's hands want, whatever they hold. Pure. */

export interface Controls {
  /** −1…1, positive left. */
  steer: number;
  /** 0…1 */
  throttle: number;
  /** 0…1 */
  brake: number;
}

export interface Input {
  /** What it wants now. @param seconds since the last look */
  read(seconds: number): Controls;
  /** Lets go of everything; what is still held down counts only when it is pressed anew. */
  reset(): void;
}

export const AT_REST: Controls = { steer: 0, throttle: 0, brake: 0 };

export const isAtRest = ({ steer, throttle, brake }: Controls): boolean =>
  steer === 0 && throttle === 0 && brake === 0;

/** The strongest wish wins, control by control; a hand on nothing is in nobody's way. */
export function combine(all: Controls[]): Controls {
  return all.reduce(
    (sum, one) => ({
      steer: Math.abs(one.steer) > Math.abs(sum.steer) ? one.steer : sum.steer,
      throttle: Math.max(one.throttle, sum.throttle),
      brake: Math.max(one.brake, sum.brake),
    }),
    AT_REST,
  );
}

/** Moves a value towards a target, no further than the target. */
export function approach(value: number, target: number, by: number): number {
  return value < target ? Math.min(target, value + by) : Math.max(target, value - by);
}
