import { describe, expect, test } from 'vitest';
import { ALL, createCrossings, usageBody } from '../../../broker/usage/budget.ts';
import { monthOf, untilNextMonth } from '../../../broker/usage/month.ts';
import { levelOf } from '../../../shared/budget-level.ts';

test.each([
  [0, 'fine'],
  [799, 'fine'],
  [800, 'warning'],
  [999, 'warning'],
  [1000, 'exceeded'],
  [5000, 'exceeded'],
] as const)('%i of 1000 bytes is %s', (bytes, level) => {
  expect(levelOf({ relayBytes: bytes, budgetBytes: 1000 })).toBe(level);
});

test('without a budget everything is fine', () => {
  expect(levelOf({ relayBytes: 1e15 })).toBe('fine');
});

describe('what is published of a vehicle', () => {
  const budgets = { all: 10_000, car: 1000, cars: new Map([['car2', 2000]]), limitKbps: 300 };
  const of = (room: string, car: number, all: number) => usageBody('2027-05', room, { car, all }, budgets);

  test('its own budget goes before the one for each', () => {
    expect(of('car1', 100, 100)).toEqual({
      month: '2027-05',
      car: { relayBytes: 100, budgetBytes: 1000 },
      all: { relayBytes: 100, budgetBytes: 10_000 },
      level: 'fine',
    });
    expect(of('car2', 1000, 1000)).toMatchObject({ car: { budgetBytes: 2000 }, level: 'fine' });
  });

  test('the budget that is nearer to its end gives the level', () => {
    expect(of('car1', 850, 850).level).toBe('warning');
    expect(of('car1', 10, 8000).level).toBe('warning');
    expect(of('car1', 850, 10_000).level).toBe('exceeded');
  });

  test('the limit comes with an exceeded budget only, and only when that is what was asked for', () => {
    expect(of('car1', 999, 999)).not.toHaveProperty('limitKbps');
    expect(of('car1', 1000, 1000)).toMatchObject({ limitKbps: 300 });
    const warn = usageBody('2027-05', 'car1', { car: 1000, all: 0 }, { car: 1000, cars: new Map() });
    expect(warn).toMatchObject({ level: 'exceeded' });
    expect(warn).not.toHaveProperty('limitKbps');
  });
});

describe('a crossing', () => {
  test('is told once for each level and month', () => {
    const { crossed } = createCrossings();
    const told = (['fine', 'warning', 'warning', 'exceeded', 'exceeded'] as const).map((level) =>
      crossed('car1', level, '2027-05'),
    );
    expect(told).toEqual([false, true, false, true, false]);
    expect(crossed('car1', 'warning', '2027-06')).toBe(true);
  });

  test('is not told again after a restart', () => {
    const before = createCrossings();
    before.crossed('car1', 'warning', '2027-05');
    before.crossed(ALL, 'exceeded', '2027-05');
    const after = createCrossings(JSON.parse(JSON.stringify(before.save())));
    expect(after.crossed('car1', 'warning', '2027-05')).toBe(false);
    expect(after.crossed(ALL, 'exceeded', '2027-05')).toBe(false);
    expect(after.crossed('car1', 'exceeded', '2027-05')).toBe(true);
  });

  test('is told again when the budget was raised and is crossed again', () => {
    const { crossed } = createCrossings();
    expect(crossed('car1', 'exceeded', '2027-05')).toBe(true);
    expect(crossed('car1', 'fine', '2027-05')).toBe(false);
    expect(crossed('car1', 'warning', '2027-05')).toBe(true);
  });
});

test('months are those of UTC', () => {
  const last = Date.UTC(2027, 11, 31, 23, 59, 59, 999);
  expect([monthOf(last), monthOf(last + 1)]).toEqual(['2027-12', '2028-01']);
  expect(untilNextMonth(last)).toBe(1);
  expect(untilNextMonth(Date.UTC(2028, 1, 1))).toBe(29 * 24 * 3_600_000);
});
