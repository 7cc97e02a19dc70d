import { describe, expect, test } from 'vitest';
import { AT_REST, combine, isAtRest } from '../../web/console/inputs/controls.ts';
import { controlsOf, DEAD_ZONE, type Pad, withoutDeadZone } from '../../web/console/inputs/gamepad.ts';
import { type DriveKey, ramp } from '../../web/console/inputs/keyboard.ts';

const TICK_S = 0.02;

/** Where the controls are after holding keys for some time, at 50 Hz. */
function hold(keys: DriveKey[], seconds: number, from = AT_REST) {
  let controls = from;
  for (let tick = 0; tick < Math.round(seconds / TICK_S); tick++) {
    controls = ramp(controls, new Set(keys), TICK_S);
  }
  return controls;
}

describe('keyboard', () => {
  test('steering ramps to full lock, left positive, and stays there', () => {
    expect(hold(['left'], 0.1).steer).toBeCloseTo(0.2);
    expect(hold(['left'], 2).steer).toBe(1);
    expect(hold(['right'], 2).steer).toBe(-1);
  });

  test('the wheel recentres, and stops in the middle', () => {
    const locked = hold(['left'], 2);
    expect(hold([], 0.1, locked).steer).toBeCloseTo(0.6);
    expect(hold([], 1, locked)).toEqual(AT_REST);
  });

  test('both directions at once are none', () => {
    expect(hold(['left', 'right'], 1).steer).toBe(0);
  });

  test('going over to the other side is as quick as recentring', () => {
    const locked = hold(['left'], 2);
    expect(hold(['right'], 0.1, locked).steer).toBeCloseTo(0.6);
  });

  test('pedals ramp up, and come up faster than they go down', () => {
    const pressed = hold(['throttle'], 0.2).throttle;
    expect(pressed).toBeGreaterThan(0.2);
    expect(pressed).toBeLessThan(0.6);
    expect(hold(['throttle'], 2).throttle).toBe(1);
    expect(hold([], 0.3, hold(['throttle'], 2))).toEqual(AT_REST);
    expect(hold(['brake'], 0.2).brake).toBeCloseTo(1);
  });

  test('the same way takes the same time at any rate', () => {
    expect(ramp(AT_REST, new Set<DriveKey>(['left']), 0.1).steer).toBeCloseTo(hold(['left'], 0.1).steer);
  });
});

describe('gamepad', () => {
  const pad = (steer: number, throttle = 0, brake = 0): Pad => ({
    axes: [steer, 0],
    mapping: 'standard',
    connected: true,
    buttons: [0, 0, 0, 0, 0, 0, brake, throttle].map((value) => ({ value, pressed: value > 0.5 })),
  });

  test('a stick that is nearly at rest is at rest', () => {
    for (const value of [0, 0.03, -0.03, DEAD_ZONE, -DEAD_ZONE]) expect(withoutDeadZone(value)).toBe(0);
  });

  test('beyond the dead zone it begins at nothing and still reaches everything', () => {
    expect(withoutDeadZone(DEAD_ZONE + 0.001)).toBeCloseTo(0.001, 3);
    expect(withoutDeadZone(1)).toBe(1);
    expect(withoutDeadZone(-1)).toBe(-1);
    expect(withoutDeadZone(1.01)).toBe(1);
  });

  test('stick left is steering left; triggers are pedals', () => {
    expect(controlsOf(pad(-1, 1, 0))).toEqual({ steer: 1, throttle: 1, brake: 0 });
    const half = controlsOf(pad(0.525, 0, 0.525));
    expect(half.steer).toBeCloseTo(-0.5);
    expect(half.brake).toBeCloseTo(0.5);
    expect(controlsOf(pad(0))).toEqual(AT_REST);
  });

  test('a pad without the parts is at rest', () => {
    expect(controlsOf({ ...pad(0), axes: [], buttons: [] })).toEqual(AT_REST);
  });
});

test('of several inputs the strongest wish wins, control by control', () => {
  const combined = combine([
    { steer: 0.2, throttle: 1, brake: 0 },
    { steer: -0.6, throttle: 0, brake: 0.3 },
    AT_REST,
  ]);
  expect(combined).toEqual({ steer: -0.6, throttle: 1, brake: 0.3 });
  expect(isAtRest(combined)).toBe(false);
  expect(isAtRest(combine([AT_REST, AT_REST]))).toBe(true);
});
