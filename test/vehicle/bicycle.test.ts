import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Actuation } from '../../shared/safety.ts';
import { type CarState, LIMITS, restingAt, step, WHEELBASE } from '../../vehicle/simulated/bicycle.ts';

const DT = 0.01;
const IDLE: Actuation = { steer: 0, throttle: 0, brake: 0, gear: 'D' };

const origin = () => restingAt(0, 0, 0);

function drive(state: CarState, actuation: Partial<Actuation>, seconds: number): CarState {
  let now = state;
  for (let t = 0; t < seconds; t += DT) now = step(now, { ...IDLE, ...actuation }, DT);
  return now;
}

/** Any actuation, sensible or not. */
const anyNumber = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, -1));
const anyActuation: fc.Arbitrary<Actuation> = fc.record({
  steer: anyNumber,
  throttle: anyNumber,
  brake: anyNumber,
  gear: fc.constantFrom('D', 'N', 'R'),
});

describe('speed', () => {
  test('full throttle reaches the top speed and stays there', () => {
    const { speed } = drive(origin(), { throttle: 1 }, 60);
    expect(speed).toBeGreaterThan(14);
    expect(speed).toBeLessThanOrEqual(LIMITS.forwardSpeed);
  });

  test('reverse is slower', () => {
    expect(drive(origin(), { throttle: 1, gear: 'R' }, 10).speed).toBeCloseTo(-LIMITS.reverseSpeed);
  });

  test('a car starts with about 3 m/s²', () => {
    const { speed } = drive(origin(), { throttle: 1 }, 1);
    expect(speed).toBeGreaterThan(2.5);
    expect(speed).toBeLessThan(3);
  });

  test('the brake stops the car and holds it, whatever the gear', () => {
    const moving = drive(origin(), { throttle: 1 }, 8);
    for (const gear of ['D', 'N', 'R'] as const) {
      expect(drive(moving, { brake: 1, gear }, 3).speed).toBe(0);
    }
    expect(drive(moving, { brake: 1, throttle: 1 }, 5).speed).toBe(0);
  });

  test('without pedals the car slows down and comes to rest', () => {
    const moving = drive(origin(), { throttle: 1 }, 8);
    const coasting = drive(moving, {}, 1);
    expect(coasting.speed).toBeLessThan(moving.speed - 0.5);
    expect(drive(coasting, {}, 60).speed).toBe(0);
  });

  test('neutral takes no throttle', () => {
    expect(drive(origin(), { throttle: 1, gear: 'N' }, 2).speed).toBe(0);
  });
});

describe('gears', () => {
  test('reverse engages only when the car has come to rest', () => {
    let state = drive(origin(), { throttle: 1 }, 5);
    while (state.speed > 0.02) {
      state = step(state, { ...IDLE, throttle: 1, gear: 'R' }, DT);
      if (state.speed > 0.02) expect(state.gear).toBe('N');
      expect(state.acceleration).toBeLessThan(0);
      expect(state.acceleration).toBeGreaterThan(-LIMITS.acceleration - 1);
    }
    expect(drive(state, { throttle: 1, gear: 'R' }, 1).speed).toBeLessThan(-1);
  });

  test('drive engages from reverse only through rest', () => {
    const back = drive(origin(), { throttle: 1, gear: 'R' }, 3);
    expect(step(back, { ...IDLE, throttle: 1 }, DT).gear).toBe('N');
    expect(drive(back, { throttle: 1 }, 15).speed).toBeGreaterThan(0);
  });
});

describe('steering', () => {
  test.each([0.3, 0.6, 1, -1])('at %f of full lock the circle has the radius L / tan δ', (steer) => {
    const actuation = { ...IDLE, throttle: 0.2, steer };
    const settled = drive(origin(), actuation, 5);
    let opposite = settled;
    for (let turned = 0; turned < Math.PI; turned += Math.abs(opposite.yawRate) * DT) {
      opposite = step(opposite, actuation, DT);
    }
    const diameter = Math.hypot(opposite.x - settled.x, opposite.y - settled.y);
    const expected = WHEELBASE / Math.tan(Math.abs(steer) * LIMITS.steeringAngle);
    expect(diameter / 2 / expected).toBeCloseTo(1, 2);
  });

  test('positive is left, and the wheel takes its time', () => {
    const first = step(drive(origin(), { throttle: 0.3 }, 2), { ...IDLE, steer: 1 }, DT);
    expect(first.steeringAngle).toBeCloseTo(LIMITS.steeringRate * DT);
    expect(drive(first, { steer: 1 }, 1).heading).toBeGreaterThan(0);
    expect(drive(first, { steer: -1 }, 1).steeringAngle).toBeCloseTo(-LIMITS.steeringAngle);
  });

  test('full lock at top speed stays within the grip', () => {
    const fast = drive(origin(), { throttle: 1 }, 20);
    expect(drive(fast, { steer: 1, throttle: 1 }, 1).lateralAcceleration).toBeCloseTo(LIMITS.grip, 1);
  });
});

describe('any input', () => {
  test('NaN is no throttle and full brake', () => {
    const moving = drive(origin(), { throttle: 1 }, 5);
    expect(drive(moving, { throttle: Number.NaN }, 3).speed).toBe(0);
    expect(drive(moving, { throttle: 1, steer: Number.NaN }, 3).speed).toBe(0);
    expect(drive(moving, { throttle: 1, brake: Number.NaN }, 3).speed).toBe(0);
  });

  test('keeps every limit and every number finite', () => {
    fc.assert(
      fc.property(fc.array(anyActuation, { minLength: 1, maxLength: 60 }), (actuations) => {
        let state = origin();
        for (const actuation of actuations) {
          const before = state;
          for (let n = 0; n < 20; n++) state = step(state, actuation, DT);
          for (const value of Object.values(state)) {
            if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
          }
          expect(state.speed).toBeLessThanOrEqual(LIMITS.forwardSpeed);
          expect(state.speed).toBeGreaterThanOrEqual(-LIMITS.reverseSpeed);
          expect(Math.abs(state.steeringAngle)).toBeLessThanOrEqual(LIMITS.steeringAngle);
          expect(Math.abs(state.lateralAcceleration)).toBeLessThanOrEqual(LIMITS.grip + 1e-9);
          expect(state.distance).toBeGreaterThanOrEqual(before.distance);
          expect(state.battery).toBeLessThanOrEqual(before.battery);
        }
      }),
    );
  });

  test('the brake alone never makes a car faster', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -3, max: 15, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('D', 'N', 'R'),
        (speed, brake, gear) => {
          const after = step({ ...origin(), speed }, { ...IDLE, brake, gear }, DT).speed;
          expect(Math.abs(after)).toBeLessThanOrEqual(Math.abs(speed));
          expect(after * speed).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});
