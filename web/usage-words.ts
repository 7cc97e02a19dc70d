/** Relayed data of a month in words. Pure. */
import { type Level, levelOf } from '../shared/budget-level.ts';
import type { Usage } from '../shared/messages.ts';
import { bytes } from './format.ts';

export interface UsageWords {
  level: Level;
  /** `4.2 GB` */
  amount: string;
  /** What that is of the budget; empty without one. */
  ofBudget: string;
  /** Both. */
  text: string;
}

export const LEVEL_TONES: Record<Level, 'soft' | 'careful' | 'danger'> = {
  fine: 'soft',
  warning: 'careful',
  exceeded: 'danger',
};

export function usageWords(share: Usage['car']): UsageWords {
  const level = levelOf(share);
  const amount = bytes(share.relayBytes);
  const budget = budgetOf(share);
  if (share.budgetBytes === undefined) return { level, amount, ofBudget: '', text: amount };
  if (level === 'fine') return { level, amount, ofBudget: `of ${budget}`, text: `${amount} of ${budget}` };
  const ofBudget = level === 'exceeded' ? `${budget} used up` : `${percentOf(share)} % of ${budget}`;
  return { level, amount, ofBudget, text: `${amount}, ${ofBudget}` };
}

/**
 * What was said of this month; null when the last word is of another one.
 * @param now ms since the epoch
 */
export function thisMonth(usage: Usage | null, now: number): Usage | null {
  return usage?.month === new Date(now).toISOString().slice(0, 7) ? usage : null;
}

export interface BudgetNotice {
  tone: 'careful' | 'danger';
  text: string;
}

/** What a budget that is nearly or quite used up means; null while all is fine. */
export function budgetNotice({ car, all, limitKbps }: Usage): BudgetNotice | null {
  const shares = [car, all];
  const exceeded = shares.find((share) => levelOf(share) === 'exceeded');
  const near = exceeded ?? shares.find((share) => levelOf(share) === 'warning');
  if (!near) return null;
  const used = `${near === all ? 'All vehicles together have' : 'This vehicle has'} used`;
  const budget = `this month’s ${budgetOf(near)} for relayed data.`;
  if (!exceeded) return { tone: 'careful', text: `${used} ${percentOf(near)} % of ${budget}` };
  const limit = limitKbps === undefined ? '' : ` Relayed video is limited to ${limitKbps} kbit/s.`;
  return { tone: 'danger', text: `${used} up ${budget}${limit}` };
}

/** The same in a few words, for whoever sees less because of it; null while all is fine. */
export function budgetLine({ level, limitKbps }: Usage): string | null {
  if (level === 'fine') return null;
  if (level === 'warning') return 'Relay budget: over 80 % used';
  return limitKbps === undefined ? 'Relay budget used up' : `Relay budget used up: ≤ ${limitKbps} kbit/s`;
}

/** Budgets are round numbers. */
const budgetOf = ({ budgetBytes = 0 }: Usage['car']) => bytes(budgetBytes).replace('.0 ', ' ');

const percentOf = ({ relayBytes, budgetBytes = 1 }: Usage['car']) =>
  Math.floor((100 * relayBytes) / budgetBytes);
