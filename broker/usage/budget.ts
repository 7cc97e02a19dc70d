/** Monthly budgets for relayed data: what is used up of them, and what that means. Pure. */
import { isWorse, type Level, levelOf } from '../../shared/budget-level.ts';
import type { Body, Usage } from '../../shared/messages.ts';

export interface Budgets {
  /** Bytes a month for all vehicles together. */
  all?: number | undefined;
  /** Bytes a month for each vehicle that has none of its own. */
  car?: number | undefined;
  /** Bytes a month by vehicle. */
  cars: ReadonlyMap<string, number>;
  /** Most video of a relayed vehicle once a budget is used up, kbit/s; undefined: nothing is done about it. */
  limitKbps?: number | undefined;
}

export const NO_BUDGETS: Budgets = { cars: new Map() };

export const budgetOf = ({ car, cars }: Budgets, room: string): number | undefined => cars.get(room) ?? car;

/** What is published of one vehicle. */
export function usageBody(
  month: string,
  room: string,
  bytes: { car: number; all: number },
  budgets: Budgets,
): Body<'usage'> {
  const [car, all] = [share(bytes.car, budgetOf(budgets, room)), share(bytes.all, budgets.all)];
  const [ofCar, ofAll] = [levelOf(car), levelOf(all)];
  const level = isWorse(ofAll, ofCar) ? ofAll : ofCar;
  const limited = level === 'exceeded' && budgets.limitKbps !== undefined;
  return { month, car, all, level, ...(limited ? { limitKbps: budgets.limitKbps } : {}) };
}

/** Of a budget, if there is one. */
export const share = (relayBytes: number, budgetBytes: number | undefined): Usage['car'] =>
  budgetBytes === undefined ? { relayBytes } : { relayBytes, budgetBytes };

/** What has been said of each budget in a month: the highest level by scope, a room or {@link ALL}. */
export interface Said {
  month: string;
  levels: Record<string, Level>;
}

/** Can't be a room's name. */
export const ALL = '*';

/** Remembers what was said. Returns whether a level is to be said now: once for each crossing and month. */
export function createCrossings(saved?: Said) {
  let month = saved?.month ?? '';
  let levels = new Map(Object.entries(saved?.levels ?? {}));
  return {
    crossed(scope: string, level: Level, now: string): boolean {
      if (now !== month) {
        month = now;
        levels = new Map();
      }
      const before = levels.get(scope) ?? 'fine';
      if (level === before) return false;
      // Less than before: the budget has been raised, and may be crossed again.
      if (level === 'fine') levels.delete(scope);
      else levels.set(scope, level);
      return isWorse(level, before);
    },
    save: (): Said => ({ month, levels: Object.fromEntries(levels) }),
  };
}
