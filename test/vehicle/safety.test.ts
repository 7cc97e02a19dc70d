import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BRAKE_MS, decide, RELEASE_MS } from '../../vehicle/safety.ts';

const command = { seq: 1, t: 0, lease: 1, steer: 0.3, throttle: 0.8, brake: 0, gear: 'D' as const };

test('nobody drives: held standing', () => {
  expect(decide(null, 5)).toEqual({ apply: { steer: 0, throttle: 0, brake: 1, gear: 'N' }, state: 'ready' });
});

test('a fresh command is applied as it is', () => {
  expect(decide({ command, at: 100 }, 100 + RELEASE_MS - 1)).toMatchObject({
    state: 'driving',
    apply: { steer: 0.3, throttle: 0.8, brake: 0, gear: 'D' },
  });
});

test('later the throttle is released, then the brake is full, and it stays so', () => {
  const at = 100;
  expect(decide({ command, at }, at + RELEASE_MS).apply).toMatchObject({ throttle: 0, brake: 0, steer: 0.3 });
  expect(decide({ command, at }, at + BRAKE_MS)).toMatchObject({
    state: 'stopped',
    apply: { throttle: 0, brake: 1 },
  });
  expect(decide({ command, at }, at + 1e9).apply).toMatchObject({ throttle: 0, brake: 1 });
});

test('whatever the clock does, throttle is given only within the time of a fresh command', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (at, now) => {
      const { apply } = decide({ command, at }, now);
      if (apply.throttle > 0) expect(now - at >= 0 && now - at < RELEASE_MS).toBe(true);
    }),
  );
});
