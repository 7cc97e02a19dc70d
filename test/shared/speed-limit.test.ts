import { describe, expect, test } from 'vitest';
import {
  delayOf,
  governed,
  keepSpeedLimit,
  LATENCY_LIMIT_MS,
  limitFor,
  limitsOf,
  type SpeedLimit,
} from '../../shared/speed-limit.ts';

const RULES = { maxSpeed: 15, ceilingMs: 1_000 };
const OWN: SpeedLimit = { maxSpeed: 15, reason: null };
const GO = { steer: 0.2, throttle: 1, brake: 0, gear: 'D' } as const;

describe('the limit', () => {
  test('is the vehicle’s own up to 200 ms, and where the delay is not known', () => {
    for (const delay of [null, 0, 199, LATENCY_LIMIT_MS]) expect(limitFor(delay, OWN, RULES)).toEqual(OWN);
  });

  test.each([
    [250, 12],
    [300, 10],
    [400, 7.5],
    [1_000, 3],
  ])('is v · 0.2 s / t above: %i ms', (delay, maxSpeed) => {
    expect(limitFor(delay, OWN, RULES).maxSpeed).toBeCloseTo(maxSpeed);
    expect(limitFor(delay, OWN, RULES).reason).toBe(`picture and command are ${delay} ms late`);
  });

  test('is a stop above the ceiling', () => {
    expect(limitFor(1_010, OWN, RULES)).toEqual({
      maxSpeed: 0,
      reason: 'picture and command are 1010 ms late, more than 1000',
    });
  });

  test('ends a little below where it begins, so that it does not come and go', () => {
    const limited = limitFor(210, OWN, RULES);
    expect(limitFor(190, limited, RULES).maxSpeed).toBe(15);
    expect(limitFor(190, limited, RULES).reason).not.toBeNull();
    expect(limitFor(180, limited, RULES)).toEqual(OWN);
    const stopped = limitFor(1_010, OWN, RULES);
    expect(limitFor(950, stopped, RULES).maxSpeed).toBe(0);
    expect(limitFor(890, stopped, RULES).maxSpeed).toBeGreaterThan(0);
  });

  test('goes over the wire with its reason, if it has one', () => {
    expect(limitsOf(OWN)).toEqual({ maxSpeed: 15 });
    expect(limitsOf({ maxSpeed: 8.3333, reason: 'late' })).toEqual({ maxSpeed: 8.33, reason: 'late' });
  });
});

test('picture and command count together; a picture that nothing is said of does not', () => {
  expect([delayOf(30, undefined), delayOf(30, 40)]).toEqual([30, 70]);
});

describe('kept over time', () => {
  function kept() {
    const told: SpeedLimit[] = [];
    let now = 0;
    const limit = keepSpeedLimit(RULES, (next) => told.push(next));
    return {
      told,
      clear: limit.clear,
      /** Commands at 50 Hz. */
      drive(delay: number, ms: number) {
        for (const until = now + ms; now < until; now += 20) limit.take(delay, now);
      },
    };
  }

  test('one late picture is no reason, many are, and it is over when they are', () => {
    const { told, drive } = kept();
    drive(60, 1_000);
    drive(900, 60);
    drive(60, 1_000);
    expect(told).toEqual([]);
    drive(400, 1_000);
    expect(told.at(-1)?.maxSpeed).toBeCloseTo(7.5);
    drive(60, 1_000);
    expect(told.at(-1)).toEqual(OWN);
  });

  test('what is only a little more or less is said twice a second at most; a stop at once', () => {
    const { told, drive } = kept();
    for (let delay = 300; delay < 400; delay++) drive(delay, 40);
    // 4 s.
    expect(told.length).toBeGreaterThan(3);
    expect(told.length).toBeLessThanOrEqual(9);
    drive(1_500, 300);
    expect(told.at(-1)?.maxSpeed).toBe(0);
  });

  test('somebody else begins without it', () => {
    const { told, drive, clear } = kept();
    drive(400, 1_000);
    clear();
    expect(told.at(-1)).toEqual(OWN);
    drive(60, 20);
    expect(told.at(-1)).toEqual(OWN);
  });
});

describe('what is applied', () => {
  test('is what is wanted, well below the limit', () => {
    expect(governed(GO, 5, 10)).toBe(GO);
    expect(governed(GO, 5, Number.POSITIVE_INFINITY)).toBe(GO);
  });

  test('is less throttle close to it, and the brake above it, in reverse too', () => {
    expect(governed(GO, 9.5, 10)).toEqual({ ...GO, throttle: 0.5 });
    expect(governed(GO, 11, 10)).toEqual({ ...GO, throttle: 0, brake: 0.25 });
    expect(governed(GO, -11, 10)).toEqual({ ...GO, throttle: 0, brake: 0.25 });
    expect(governed(GO, 15, 5)).toEqual({ ...GO, throttle: 0, brake: 0.5 });
  });

  test('never is less brake than the driver wants', () => {
    expect(governed({ ...GO, brake: 0.9 }, 15, 5).brake).toBe(0.9);
  });
});
