/** How much of a month's budget for relayed data is used, as a level. */
import type { Usage } from './messages.ts';

export type Level = Usage['level'];

/** Part of a budget from which on there is a warning. */
const WARNING_PART = 0.8;
const LEVELS: Level[] = ['fine', 'warning', 'exceeded'];

/** Fine as long as there is no budget. */
export function levelOf({ relayBytes, budgetBytes }: Usage['car']): Level {
  if (budgetBytes === undefined || relayBytes < budgetBytes * WARNING_PART) return 'fine';
  return relayBytes < budgetBytes ? 'warning' : 'exceeded';
}

export const isWorse = (one: Level, other: Level): boolean => LEVELS.indexOf(one) > LEVELS.indexOf(other);
