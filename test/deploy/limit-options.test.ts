import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS } from '../../broker/limits/limits.ts';
import {
  addLimitOptions,
  defaultText,
  flagOf,
  limitOptions,
  parseRates,
  rangeText,
  sizeBetween,
} from '../../deploy/limit-options.ts';
import { wholeNumber } from '../../deploy/options.ts';

const parsed = (...args: string[]) => {
  const command = addLimitOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr() {} });
  command.parse(['node', 'x', ...args]);
  return limitOptions(command.opts());
};

test('nothing is given unless it is asked for', () => {
  expect(parsed()).toEqual({});
});

test('every default passes its own option, and comes out the same', () => {
  for (const name of LIMIT_NAMES) {
    expect(parsed(flagOf(name), defaultText(name))).toEqual({ [name]: DEFAULT_LIMITS[name] });
  }
});

test.each(LIMIT_NAMES)('%s takes both ends of its range, and nothing beyond', (name) => {
  const { kind, min, max } = LIMITS[name];
  const text = (value: number) => (kind === 'bytes' ? `${value}B` : String(value));
  for (const value of [min, max]) expect(() => parsed(flagOf(name), text(value))).not.toThrow();
  for (const value of [min - 1, max + 1])
    expect(() => parsed(flagOf(name), text(value))).toThrow(flagOf(name));
});

describe('rates by role', () => {
  const rates = parseRates(DEFAULT_LIMITS.messages, wholeNumber(1, 1000));

  test.each([
    ['7', { vehicle: 7, operator: 7, supervisor: 7, monitor: 7, anyone: 7 }],
    ['vehicle=200, operator=20', { ...DEFAULT_LIMITS.messages, vehicle: 200, operator: 20 }],
    ['monitor=1,9', { vehicle: 9, operator: 9, supervisor: 9, monitor: 1, anyone: 9 }],
  ])('%j', (text, expected) => {
    expect(rates(text)).toEqual(expected);
  });

  test.each([
    ['driver=3', "'driver' is not one of vehicle, operator, supervisor, monitor, anyone."],
    ['__proto__=3', "'__proto__' is not one of"],
    ['vehicle=0', 'not a whole number from 1 to 1000'],
    ['vehicle', 'not a whole number'],
    ['', 'not a whole number'],
  ])('not %j', (text, sentence) => {
    expect(() => rates(text)).toThrow(sentence);
  });
});

test('a size out of range is answered with the range', () => {
  expect(() => sizeBetween(1024, 2 ** 20)('2MiB')).toThrow('It is not an amount of data from 1KiB to 1MiB.');
});

test('docs/operations.md has the limits as they are', () => {
  const path = fileURLToPath(new URL('../../docs/operations.md', import.meta.url));
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `--limit-'));
  expect(rows).toEqual(
    LIMIT_NAMES.map((name) => {
      const { what, over } = LIMITS[name];
      return `| \`${flagOf(name)}\` | ${defaultText(name).replaceAll(',', ', ')} | ${rangeText(name)} | ${what} | ${over} |`;
    }),
  );
});
