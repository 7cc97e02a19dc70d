import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../shared/channels.ts';
import {
  AT_FIRST,
  actuationOf,
  BRAKE_MS,
  DEFAULT_TIMES,
  holdOf,
  keepSafety,
  RELEASE_MS,
  type Safety,
  type SafetyEvent,
  safetyAfter,
} from '../../shared/safety.ts';
import { DEFAULT_SPEED_RULES, LATENCY_CEILING_MS } from '../../shared/speed-limit.ts';

const TIMES = DEFAULT_TIMES;
/** For one that nobody listens to. */
const QUIET = {
  times: TIMES,
  limits: DEFAULT_SPEED_RULES,
  speed: () => 0,
  onSafety: () => {},
  onStopped: () => {},
  onLimit: () => {},
};
const HELD = { steer: 0, throttle: 0, brake: 1, gear: 'N' };

const command = (throttle: number, more: Partial<Command> = {}): SafetyEvent => ({
  type: 'command',
  command: { seq: 1, t: 0, lease: 1, steer: 0.3, throttle, brake: 0, gear: 'D', ...more },
});
const TICK: SafetyEvent = { type: 'tick' };
const lease = (driver: string | null, asked: boolean): SafetyEvent => ({ type: 'lease', driver, asked });
const ESTOP: SafetyEvent = { type: 'estop', by: 'op-2', reason: 'a dog' };

/** Events, each at its time, ms. */
const given = (...events: [at: number, SafetyEvent][]): Safety => then(AT_FIRST, 0, ...events);
/** What follows, at that speed, m/s. */
const then = (before: Safety, speed: number, ...events: [at: number, SafetyEvent][]): Safety =>
  events.reduce((safety, [at, event]) => safetyAfter(safety, event, at, TIMES, speed), before);
const RESET: SafetyEvent = { type: 'reset' };

const asked: [number, SafetyEvent] = [0, lease('op-1', true)];

describe('nobody drives', () => {
  test('held standing', () => {
    expect(AT_FIRST).toMatchObject({ state: 'ready', reason: null });
    expect(actuationOf(AT_FIRST, 0)).toEqual(HELD);
    expect(actuationOf(given([0, command(1)]), 0)).toEqual(HELD);
  });

  test('who has the wheel and does nothing moves nothing', () => {
    const safety = given(asked, [60_000, TICK]);
    expect(safety).toMatchObject({ state: 'ready', driver: 'op-1' });
    expect(actuationOf(safety, 0)).toEqual(HELD);
  });

  test('who gives it back leaves a car that is held, its wheel where it was', () => {
    const left = given(asked, [10, command(1)], [20, lease(null, false)]);
    expect(actuationOf(left, 0)).toEqual({ ...HELD, steer: 0.3 });
  });
});

describe('a command', () => {
  test('is applied as it is while it is fresh', () => {
    const safety = given(asked, [10, command(0.8)], [9 + RELEASE_MS, TICK]);
    expect(safety).toMatchObject({ state: 'driving', reason: null });
    expect(actuationOf(safety, 0)).toEqual({ steer: 0.3, throttle: 0.8, brake: 0, gear: 'D' });
  });

  test('that nothing follows: the throttle is released, then the brake is full, and it stays so', () => {
    const degraded = given(asked, [10, command(0.8)], [10 + RELEASE_MS, TICK]);
    expect(degraded).toMatchObject({ state: 'degraded', reason: `no command for ${RELEASE_MS} ms` });
    expect(actuationOf(degraded, 0)).toEqual({ steer: 0.3, throttle: 0, brake: 0, gear: 'D' });
    const stopped = given(asked, [10, command(0.8)], [10 + BRAKE_MS, TICK]);
    expect(stopped).toMatchObject({
      state: 'stopped',
      reason: `no command for ${BRAKE_MS} ms`,
      armed: false,
    });
    expect(actuationOf(stopped, 0)).toEqual({ steer: 0.3, throttle: 0, brake: 1, gear: 'D' });
    expect(actuationOf(safetyAfter(stopped, TICK, 1e9, TIMES, 0), 0)).toMatchObject({
      throttle: 0,
      brake: 1,
    });
  });

  test('soon after a gap drives on as if nothing had been', () => {
    const safety = given(asked, [10, command(1)], [400, TICK], [410, command(1)]);
    expect(safety.state).toBe('driving');
    expect(actuationOf(safety, 0).throttle).toBe(1);
  });
});

describe('whoever was stopped', () => {
  const stopped: [number, SafetyEvent][] = [
    asked,
    [10, command(1)],
    [600, TICK],
    [601, lease('op-1', false)],
  ];

  test('moves nothing with a throttle that was not released', () => {
    const safety = given(...stopped, [620, command(1)], [640, command(1)]);
    expect(safety.state).toBe('stopped');
    expect(actuationOf(safety, 0)).toMatchObject({ throttle: 0, brake: 1 });
  });

  test('drives again once it was', () => {
    const safety = given(...stopped, [620, command(1)], [640, command(0)], [660, command(0.5)]);
    expect(safety.state).toBe('driving');
    expect(actuationOf(safety, 0)).toMatchObject({ throttle: 0.5, brake: 0 });
  });

  test('drives again by asking anew', () => {
    const again = [...stopped, [700, lease(null, false)], [800, lease('op-1', true)]] as typeof stopped;
    expect(given(...again, [820, command(1)]).state).toBe('driving');
  });
});

describe('an emergency stop', () => {
  test('is latched, says by whom first, and heeds no command', () => {
    const safety = given(
      asked,
      [10, command(1)],
      [20, ESTOP],
      [30, { type: 'estop', by: 'op-3', reason: null }],
      [40, command(0)],
      [50, command(1)],
      [60, lease('op-9', true)],
      [70, command(1)],
    );
    expect(safety).toMatchObject({ state: 'estopped', reason: 'by op-2: a dog' });
    expect(actuationOf(safety, 0)).toMatchObject({ throttle: 0, brake: 1 });
  });

  test('is not reset while the car moves', () => {
    for (const speed of [0.5, -0.5, Number.NaN])
      expect(then(given(asked, [20, ESTOP]), speed, [30, RESET]).state).toBe('estopped');
  });

  test('is reset where it stands, and then the throttle has to be released first', () => {
    const reset = given(asked, [10, command(1)], [20, ESTOP], [30, RESET]);
    expect(reset).toMatchObject({ state: 'ready', reason: null });
    const held = safetyAfter(reset, command(1), 50, TIMES, 0);
    expect(actuationOf(held, 0).throttle).toBe(0);
    const released = safetyAfter(held, command(0), 70, TIMES, 0);
    expect(actuationOf(safetyAfter(released, command(1), 90, TIMES, 0), 0).throttle).toBe(1);
  });

  test('without one a reset does nothing', () => {
    expect(given(asked, [10, command(1)], [20, RESET]).state).toBe('driving');
  });
});

test('what moves is told how long it may, if nothing follows', () => {
  const driving = given(asked, [10, command(1)]);
  expect(holdOf(driving, 10, TIMES)).toEqual({ releaseIn: RELEASE_MS, brakeIn: BRAKE_MS });
  expect(holdOf(driving, 110, TIMES)).toEqual({ releaseIn: RELEASE_MS - 100, brakeIn: BRAKE_MS - 100 });
  const degraded = safetyAfter(driving, TICK, 210, TIMES, 0);
  expect(holdOf(degraded, 210, TIMES)).toEqual({ releaseIn: 0, brakeIn: BRAKE_MS - 200 });
  for (const stands of [AT_FIRST, given(asked, [10, command(1)], [600, TICK]), given(asked, [20, ESTOP])]) {
    expect(holdOf(stands, 700, TIMES)).toEqual({ releaseIn: 0, brakeIn: 0 });
  }
});

test('a command that comes first after a gap in which nothing ran does not undo the gap', () => {
  let now = 0;
  const stops: number[] = [];
  const kept = keepSafety({
    ...QUIET,
    now: () => now,
    onStopped: () => stops.push(now),
  });
  kept.take(lease('op-1', true));
  kept.take(command(1));
  now = 1_200;
  kept.take(command(1));
  expect(stops).toEqual([1_200]);
  expect(kept.now).toMatchObject({ state: 'stopped', armed: false });
});

test('nothing is told again while nothing changes', () => {
  let now = 0;
  let told = 0;
  const kept = keepSafety({ ...QUIET, now: () => now, onSafety: () => told++ });
  kept.take(lease('op-1', true));
  kept.take(command(1));
  const before = told;
  for (now = 20; now < RELEASE_MS; now += 20) kept.take(TICK);
  expect(told).toBe(before);
  kept.take(TICK);
  expect(told).toBe(before + 1);
});

describe('a stop', () => {
  const stopped = given(asked, [0, command(1)], [BRAKE_MS, TICK]);

  test('is one until the vehicle stands: neither a neutral command nor asking anew ends it', () => {
    const rolling = then(stopped, 5, [600, lease('op-1', false)], [620, command(0)], [640, command(1)]);
    expect(rolling).toMatchObject({ state: 'stopped', armed: false });
    expect(actuationOf(rolling, 5)).toMatchObject({ throttle: 0, brake: 1 });
    const asks = then(rolling, 5, [650, lease(null, false)], [660, lease('op-1', true)], [670, command(1)]);
    expect(asks).toMatchObject({ state: 'stopped', armed: false });
    expect(then(rolling, 0, [660, command(0)], [680, command(1)]).state).toBe('driving');
  });

  test('without a driver is one until then too', () => {
    expect(then(stopped, 5, [600, lease(null, false)]).state).toBe('stopped');
    expect(then(stopped, 0, [600, lease(null, false)]).state).toBe('ready');
  });
});

describe('a limit of the speed', () => {
  const limit = (maxSpeed: number): SafetyEvent => ({ type: 'limit', limit: { maxSpeed, reason: 'late' } });

  test('is a state of its own, and is kept to', () => {
    const safety = given(asked, [10, command(1)], [20, limit(5)], [30, command(1)]);
    expect(safety).toMatchObject({ state: 'degraded', reason: 'late' });
    expect(actuationOf(safety, 3)).toMatchObject({ throttle: 1, brake: 0 });
    expect(actuationOf(safety, 6)).toMatchObject({ throttle: 0, brake: 0.25 });
    expect(actuationOf(safetyAfter(safety, TICK, 30 + RELEASE_MS, TIMES, 0), 3).throttle).toBe(0);
  });

  test('of nothing is a stop, which ends with a throttle that was released, and only when it is over', () => {
    const stopped = given(asked, [10, command(1)], [20, limit(0)], [30, command(0)], [40, command(1)]);
    expect(stopped).toMatchObject({ state: 'stopped', reason: 'late', armed: false });
    expect(actuationOf(stopped, 5)).toMatchObject({ throttle: 0, brake: 1 });
    const over = safetyAfter(stopped, limit(10), 50, TIMES, 0);
    const held = safetyAfter(over, command(1), 60, TIMES, 0);
    expect(held.state).toBe('stopped');
    const driving = [command(0), command(1)].reduce(
      (safety, each) => safetyAfter(safety, each, 70, TIMES, 0),
      held,
    );
    expect(actuationOf(driving, 0).throttle).toBe(1);
  });

  test('comes from how late the driver is, is told once, and suspends the lease when it is a stop', () => {
    let now = 0;
    const told: number[] = [];
    let stops = 0;
    const kept = keepSafety({
      ...QUIET,
      now: () => now,
      onLimit: ({ maxSpeed }) => told.push(Math.round(maxSpeed * 3.6)),
      onStopped: () => stops++,
    });
    kept.take(lease('op-1', true));
    const drive = (delay: number, ms: number) => {
      for (const until = now + ms; now < until; now += 20) kept.take(command(1), delay);
    };
    drive(60, 600);
    expect(kept.now.state).toBe('driving');
    drive(400, 1_000);
    expect(kept.now.state).toBe('degraded');
    expect(told).toEqual([30]);
    drive(LATENCY_CEILING_MS + 100, 1_000);
    expect(kept.now.state).toBe('stopped');
    expect(stops).toBe(1);
  });
});

test('whatever happens, the throttle is given only to a driver, armed, within the time of a fresh command', () => {
  const event = fc.oneof(
    fc.record({
      type: fc.constant('lease' as const),
      driver: fc.constantFrom('op-1', null),
      asked: fc.boolean(),
    }),
    fc.constantFrom(0, 1).map((throttle) => command(throttle)),
    fc.constant(ESTOP),
    fc.constant(RESET),
    fc.constantFrom(0, 3, 20).map((maxSpeed): SafetyEvent => {
      return { type: 'limit', limit: { maxSpeed, reason: maxSpeed < 20 ? 'late' : null } };
    }),
    fc.constant(TICK),
  );
  const step = fc.tuple(fc.integer({ min: -300, max: 700 }), event, fc.constantFrom(0, 4));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 1_000;
      let safety = AT_FIRST;
      let commandAt = Number.NEGATIVE_INFINITY;
      let latched = false;
      for (const [ms, each, speed] of steps) {
        const before = safety;
        now += ms;
        safety = safetyAfter(safety, each, now, TIMES, speed);
        if (each.type === 'command') commandAt = now;
        if (each.type === 'estop') latched = true;
        if (each.type === 'reset' && speed === 0) latched = false;
        // Who has stopped by itself stands before it does anything else.
        if (before.state === 'stopped' && speed > 0 && each.type !== 'estop')
          expect(safety.state).toBe('stopped');
        const { throttle } = actuationOf(safety, 0);
        if (latched) expect(safety.state).toBe('estopped');
        if (throttle > 0) {
          expect(safety).toMatchObject({ driver: 'op-1', armed: true });
          expect(safety.limit.maxSpeed).toBeGreaterThan(0);
          expect(['driving', 'degraded']).toContain(safety.state);
          expect(now - commandAt).toBeGreaterThanOrEqual(0);
          expect(now - commandAt).toBeLessThan(RELEASE_MS);
        }
      }
    }),
  );
});
