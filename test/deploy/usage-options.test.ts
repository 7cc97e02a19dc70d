import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCarBudgets, parseSize, usageOptions } from '../../deploy/usage-options.ts';

describe('an amount of data', () => {
  test.each([
    ['1B', 1],
    ['500kB', 500e3],
    ['500 MB', 500e6],
    ['10GB', 10e9],
    ['1.5TB', 1.5e12],
    ['2KiB', 2048],
    ['512 MiB', 512 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    [' 1TiB ', 2 ** 40],
  ])('%j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['10', '10G', '10Gb', '10gb', '-1GB', '0GB', '1e3GB', '1,5GB', 'GB', '', '9e99TB', '99999999TB'])(
    'not %j',
    (text) => {
      expect(() => parseSize(text)).toThrow(/is not an amount of data such as 10GB or 1.5GiB/);
    },
  );
});

describe('budgets by vehicle', () => {
  test('one for each, and others for those that are named', () => {
    expect(parseCarBudgets('2GB, car1=5GB,van-7=500MB')).toEqual({
      each: 2e9,
      cars: new Map([
        ['car1', 5e9],
        ['van-7', 500e6],
      ]),
    });
    expect(parseCarBudgets('car1=5GB').each).toBeUndefined();
  });

  test.each([
    ['2GB,3GB', /Only one/],
    ['car1=2GB,car1=3GB', /'car1' has two/],
    ['Car 1=2GB', /A room has/],
    ['car1=', /'' is not an amount/],
    ['', /'' is not an amount/],
    ['car1=5G,2GB', /'5G' is not an amount/],
  ])('not %j', (text, sentence) => {
    expect(() => parseCarBudgets(text)).toThrow(sentence);
  });
});

describe('what the server is given', () => {
  const flags = { relayBudgetAction: 'warn', relayLimitKbps: 300 } as const;

  test('a limit only when that was asked for', () => {
    expect(usageOptions(flags, {}).budgets?.limitKbps).toBeUndefined();
    expect(
      usageOptions({ ...flags, relayBudget: 1e9, relayBudgetAction: 'limit' }, {}).budgets?.limitKbps,
    ).toBe(300);
    expect(() => usageOptions({ ...flags, relayBudgetAction: 'limit' }, {})).toThrow('needs --relay-budget');
  });

  test.each([
    [{ data: '/srv/plntry' }, {}, { folder: '/srv/plntry', optional: false }],
    [{}, { STATE_DIRECTORY: '/var/lib/plntry' }, { folder: '/var/lib/plntry', optional: true }],
    [{}, { XDG_STATE_HOME: '/s' }, { folder: '/s/plntry', optional: true }],
    [{}, {}, { folder: join(homedir(), '.local/state/plntry'), optional: true }],
  ])('%j with %j keeps data in %j', (more, environment, data) => {
    expect(usageOptions({ ...flags, ...more }, environment as Record<string, string>).data).toEqual(data);
  });
});
