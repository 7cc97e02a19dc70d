import { beforeEach, expect, test } from 'vitest';
import { createOperatorBudget, type OperatorBudget } from '../../shared/operator-budget.ts';

let now: number;
let budget: OperatorBudget;

beforeEach(() => {
  now = 0;
  budget = createOperatorBudget(() => now);
});

/** What comes of so many messages a second for some seconds, spread evenly. */
function at(perSecond: number, seconds: number, charge: () => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < perSecond * seconds; sent++) {
    now += 1_000 / perSecond;
    const what = charge();
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

test('a driver’s commands, beats and clock are never too much, nor what comes at once after a second of nothing', () => {
  budget.enter();
  expect(at(57, 60, () => budget.channel('control'))).toEqual({ fine: 57 * 60 });
  expect(at(8, 60, () => budget.channel('events'))).toEqual({ fine: 480 });
  now += 1_000;
  for (let sent = 0; sent < 57; sent++) expect(budget.channel('control')).toBe('fine');
});

test('a little too much is dropped, and the rest is heard', () => {
  budget.enter();
  const { fine = 0, over = 0, out } = at(120, 10, () => budget.channel('control'));
  expect(out).toBeUndefined();
  expect(fine).toBeGreaterThan(1_000);
  expect(over).toBeGreaterThan(50);
});

test('a flood is put out, however much it is', () => {
  budget.enter();
  expect(at(10_000, 1, () => budget.channel('control')).out).toBeGreaterThan(9_000);
  expect(at(200, 10, () => budget.channel('events')).out).toBeGreaterThan(1_000);
});

test('one kind does not take from another', () => {
  budget.enter();
  at(10_000, 1, () => budget.channel('events'));
  expect(budget.channel('control')).toBe('fine');
  expect(budget.clock()).toBe('fine');
});

test('who has not entered may say less', () => {
  const ahead = at(60, 5, () => budget.channel('control'));
  expect(ahead.over).toBeGreaterThan(100);
});
