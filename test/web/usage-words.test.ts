import { describe, expect, test } from 'vitest';
import type { Usage } from '../../shared/messages.ts';
import { budgetLine, budgetNotice, thisMonth, usageWords } from '../../web/usage-words.ts';

const usage = (over: Partial<Usage> = {}): Usage => ({
  v: 1,
  ts: 1,
  month: '2027-05',
  car: { relayBytes: 1e9 },
  all: { relayBytes: 2e9 },
  level: 'fine',
  ...over,
});

test.each([
  [{ relayBytes: 0 }, '0 B'],
  [{ relayBytes: 1.23e9 }, '1.2 GB'],
  [{ relayBytes: 1.23e9, budgetBytes: 5e9 }, '1.2 GB of 5 GB'],
  [{ relayBytes: 4.2e9, budgetBytes: 5e9 }, '4.2 GB, 84 % of 5 GB'],
  [{ relayBytes: 4.999e9, budgetBytes: 5e9 }, '5.0 GB, 99 % of 5 GB'],
  [{ relayBytes: 5e9, budgetBytes: 5e9 }, '5.0 GB, 5 GB used up'],
])('%j is %j', (share, text) => {
  expect(usageWords(share).text).toBe(text);
});

test('what was said of another month is not shown as this one’s', () => {
  expect(thisMonth(usage(), Date.UTC(2027, 4, 31, 23, 59))).toEqual(usage());
  expect(thisMonth(usage(), Date.UTC(2027, 5, 1))).toBeNull();
  expect(thisMonth(null, Date.UTC(2027, 5, 1))).toBeNull();
});

describe('a budget that comes to its end', () => {
  const near = { relayBytes: 4.2e9, budgetBytes: 5e9 };
  const over = { relayBytes: 5.2e9, budgetBytes: 5e9 };

  test('is nothing to say while all is fine', () => {
    expect(budgetNotice(usage())).toBeNull();
    expect(budgetLine(usage())).toBeNull();
  });

  test.each([
    [{ car: near }, 'careful', 'This vehicle has used 84 % of this month’s 5 GB for relayed data.'],
    [{ all: near }, 'careful', 'All vehicles together have used 84 % of this month’s 5 GB for relayed data.'],
    [{ car: over }, 'danger', 'This vehicle has used up this month’s 5 GB for relayed data.'],
    [
      { car: near, all: over, limitKbps: 300 },
      'danger',
      'All vehicles together have used up this month’s 5 GB for relayed data. Relayed video is limited to 300 kbit/s.',
    ],
  ] as const)('%j', (of, tone, text) => {
    expect(budgetNotice(usage(of))).toEqual({ tone, text });
  });

  test('in a line', () => {
    expect(budgetLine(usage({ level: 'warning' }))).toBe('Relay budget: over 80 % used');
    expect(budgetLine(usage({ level: 'exceeded' }))).toBe('Relay budget used up');
    expect(budgetLine(usage({ level: 'exceeded', limitKbps: 300 }))).toBe(
      'Relay budget used up: ≤ 300 kbit/s',
    );
  });
});
