/** Options of the server for relayed data: budgets, what happens when they are used up, where counts are kept. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ServerOptions } from '../broker/serve.ts';
import { LIMIT_KBPS } from '../shared/messages.ts';
import { dataOption } from './access-options.ts';
import { type Environment, stateFolder } from './data-folder.ts';
import { OptionError, option, parseRoom, wholeNumber } from './options.ts';

/** Bytes; decimal as providers bill them, and binary. */
const UNITS: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const DEFAULT_LIMIT_KBPS = 300;

export interface UsageFlags {
  data?: string;
  relayBudget?: number;
  relayBudgetCar?: CarBudgets;
  relayBudgetAction: 'warn' | 'limit';
  relayLimitKbps: number;
}

export interface CarBudgets {
  /** For each car that is not named. */
  each: number | undefined;
  cars: Map<string, number>;
}

/** An amount of data such as `10GB`, `1.5 GiB` or `500MB`, in bytes. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  const bytes = Math.round(Number(number) * (factor ?? Number.NaN));
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(
    `'${text.trim()}' is not an amount of data such as 10GB or 1.5GiB (${Object.keys(UNITS).join(', ')}).`,
  );
}

/** `2GB,car1=5GB`: one for every car, others for those that are named. */
export function parseCarBudgets(text: string): CarBudgets {
  const budgets: CarBudgets = { each: undefined, cars: new Map() };
  for (const entry of text.split(',')) {
    const [name, size] = entry.includes('=') ? entry.split('=', 2) : [undefined, entry];
    if (name === undefined) {
      if (budgets.each !== undefined) throw new InvalidArgumentError('Only one budget can be without a car.');
      budgets.each = parseSize(size ?? '');
    } else {
      const room = parseRoom(name.trim());
      if (budgets.cars.has(room)) throw new InvalidArgumentError(`'${room}' has two budgets.`);
      budgets.cars.set(room, parseSize(size ?? ''));
    }
  }
  return budgets;
}

export function addUsageOptions(command: Command): Command {
  return command
    .addOption(
      dataOption('where what the server keeps goes: secrets, who has access, counts of relayed data'),
    )
    .addOption(option('--relay-budget <size>', 'relayed data a month for all vehicles, e.g. 50GB', parseSize))
    .addOption(
      option(
        '--relay-budget-car <sizes>',
        'for each vehicle, or for those that are named, e.g. 2GB,car1=5GB',
        parseCarBudgets,
      ),
    )
    .addOption(
      new Option('--relay-budget-action <action>', 'what happens when a budget is used up')
        .choices(['warn', 'limit'])
        .default('warn')
        .env('PLNTRY_RELAY_BUDGET_ACTION'),
    )
    .addOption(
      option(
        '--relay-limit-kbps <number>',
        'most video of a relayed vehicle then, with limit, kbit/s',
        wholeNumber(LIMIT_KBPS.least, LIMIT_KBPS.most),
      ).default(DEFAULT_LIMIT_KBPS),
    );
}

/** @param environment for the default folder (XDG Base Directory, systemd's StateDirectory) */
export function usageOptions(
  flags: UsageFlags,
  environment: Environment,
): Pick<ServerOptions, 'budgets' | 'data'> {
  const { relayBudget: all, relayBudgetCar, relayBudgetAction, relayLimitKbps, data } = flags;
  if (relayBudgetAction === 'limit' && all === undefined && relayBudgetCar === undefined) {
    throw new OptionError("option '--relay-budget-action limit' needs --relay-budget or --relay-budget-car.");
  }
  const limitKbps = relayBudgetAction === 'limit' ? relayLimitKbps : undefined;
  return {
    budgets: { all, car: relayBudgetCar?.each, cars: relayBudgetCar?.cars ?? new Map(), limitKbps },
    data:
      data === undefined
        ? { folder: stateFolder(environment), optional: true }
        : { folder: data, optional: false },
  };
}
