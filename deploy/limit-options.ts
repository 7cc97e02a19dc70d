/** Options of the server for its limits: one for each row of the table in broker/limits/limits.ts. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  DEFAULT_LIMITS,
  kebab,
  LIMIT_NAMES,
  LIMITS,
  type LimitName,
  type Limits,
  RATED_ROLES,
  type RatedRole,
} from '../broker/limits/limits.ts';
import { option, wholeNumber } from './options.ts';
import { parseSize } from './usage-options.ts';

type Rates = Record<RatedRole, number>;

/** As commander names them: `limitConnectionsPerAddress`. */
export type LimitFlags = { [Name in LimitName as `limit${Capitalize<Name>}`]?: Limits[Name] };

/** One for every role, others for those that are named: `100`, `vehicle=200,operator=20`. */
export function parseRates(defaults: Rates, parse: (text: string) => number): (text: string) => Rates {
  return (text) => {
    const rates = { ...defaults };
    const entries = text.split(',').map((entry) => entry.trim());
    for (const entry of entries.filter((one) => !one.includes('='))) {
      for (const role of RATED_ROLES) rates[role] = parse(entry);
    }
    for (const entry of entries.filter((one) => one.includes('='))) {
      const [role = '', value = ''] = entry.split('=', 2);
      if (!isRole(role)) throw new InvalidArgumentError(`'${role}' is not one of ${RATED_ROLES.join(', ')}.`);
      rates[role] = parse(value);
    }
    return rates;
  };
}

const isRole = (text: string): text is RatedRole => (RATED_ROLES as readonly string[]).includes(text);

/** A parser for an amount of data in a range, both ends included. */
export function sizeBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const bytes = parseSize(text);
    if (bytes >= min && bytes <= max) return bytes;
    throw new InvalidArgumentError(`It is not an amount of data from ${sizeText(min)} to ${sizeText(max)}.`);
  };
}

/** Bytes as {@link parseSize} reads them. */
export function sizeText(bytes: number): string {
  const units: [string, number][] = [
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ];
  const [unit, size] = units.find(([, one]) => bytes % one === 0) ?? ['B', 1];
  return `${bytes / size}${unit}`;
}

/** What a limit is unless configured, as its option takes it. */
export function defaultText(name: LimitName): string {
  const show = (value: number) => (LIMITS[name].kind === 'bytes' ? sizeText(value) : String(value));
  const value = DEFAULT_LIMITS[name];
  if (typeof value === 'number') return show(value);
  return RATED_ROLES.map((role) => `${role}=${show(value[role])}`).join(',');
}

/** What its option takes, of each rate where there are several. */
export function rangeText(name: LimitName): string {
  const { kind, min, max } = LIMITS[name];
  const show = kind === 'bytes' ? sizeText : String;
  return `${show(min)} to ${show(max)}`;
}

export const flagOf = (name: LimitName): string => `--limit-${kebab(name)}`;

export function addLimitOptions(command: Command): Command {
  for (const name of LIMIT_NAMES) {
    const { kind, min, max, what } = LIMITS[name];
    const one = kind === 'bytes' ? sizeBetween(min, max) : wholeNumber(min, max);
    const value = DEFAULT_LIMITS[name];
    const byRole = typeof value !== 'number';
    const placeholder = byRole ? '<rates>' : kind === 'bytes' ? '<size>' : `<${kind}>`;
    command.addOption(
      option(
        `${flagOf(name)} ${placeholder}`,
        `${what} (default: ${defaultText(name)})`,
        byRole ? parseRates(value, one) : one,
      ),
    );
  }
  return command;
}

/** Those that were given. */
export function limitOptions(flags: LimitFlags): Partial<Limits> {
  const given = LIMIT_NAMES.map((name) => {
    const flag = `limit${name.charAt(0).toUpperCase()}${name.slice(1)}` as keyof LimitFlags;
    return [name, flags[flag]] as const;
  });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
