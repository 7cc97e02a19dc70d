/** What a vehicle's end keeps of one operator who is there. */
import type { Visitor } from './admission.ts';
import type { Command } from './channels.ts';
import type { Clock } from './clock.ts';
import { createFreshness } from './freshness.ts';
import type { Sdp } from './messages.ts';
import { attemptOf, type Link, sessionsOf } from './negotiation.ts';
import type { OperatorBudget } from './operator-budget.ts';
import { type OperatorCheck, TOO_MANY } from './operator-check.ts';
import type { createReports } from './reports.ts';
import type { Session } from './session.ts';
import type { LastCommand } from './vehicle-reports.ts';

export interface Operator extends Visitor {
  session: Session;
  /** It says that it may take the wheel from others. */
  supervises: boolean;
  /** There is no place for it unless its pass, which it is about to show, makes it a supervisor. */
  shows: boolean;
  /** Who it is, by its pass and signature. */
  check: OperatorCheck;
  /** A session whose answer was refused is not ended any more. */
  stopRefusing(): void;
  enter(): void;
  budget: OperatorBudget;
  /** It is not waited for any more that it enters. */
  stopWaiting(): void;
  reports: ReturnType<typeof createReports>;
  /** The last that was fresh. */
  command: LastCommand | null;
  /** `seq` of the last that moved something; what only claims to be newer must not make others old. */
  counted: number;
  /** Why the session failed, as it was told. */
  told: string | null;
  /** The next state message that is due without a command. */
  stopStates(): void;
  freshness: ReturnType<typeof createFreshness>;
}

type Given = Pick<Operator, 'session' | 'epoch' | 'enter' | 'stopWaiting' | 'reports' | 'check' | 'budget'>;

/** Who has just come, and has said nothing. */
export const newOperator = (given: Given): Operator => ({
  ...given,
  entered: false,
  supervises: false,
  shows: false,
  command: null,
  counted: -1,
  told: null,
  stopStates: () => {},
  stopRefusing: () => {},
  freshness: createFreshness(),
});

/** Another session begins: what was said in the one before is over. */
export function forgetSession(operator: Operator): void {
  operator.command = null;
  operator.counted = -1;
  operator.told = null;
  operator.stopRefusing();
}

/**
 * Whether a command may move the vehicle.
 * @param admits the lease under this number is the operator's
 * @param now vehicle's clock, ms
 * @returns its age when it came, ms, null where that is not known; and why it moves nothing, null if it may
 */
export function judge(
  operator: Operator,
  command: Command,
  admits: (lease: number) => boolean,
  now: number,
): { age: number; dropped: null } | { age: number | null; dropped: string } {
  const { seq, t, lease } = command;
  if (seq <= operator.counted) return { age: null, dropped: 'an old command' };
  const freshness = operator.freshness.command(t, now);
  if (!freshness.fresh) return { age: freshness.age, dropped: freshness.why };
  const { age } = freshness;
  operator.command = { t, at: now, late: age };
  if (!admits(lease)) return { age, dropped: 'no lease' };
  operator.counted = seq;
  return { age, dropped: null };
}

/** An operator whose answer was refused has so long for a better one: the refused one may be somebody else's, ms. */
const REFUSE_MS = 1_000;

/**
 * Whether a description is its operator's own; what is not never gets to the session, and ends none that has
 * been answered. What is of another session is dropped there, and not worth the look.
 */
export function isOwn(
  operator: Operator,
  message: Sdp,
  drop: (what: string, why: string) => void,
  clock: Clock,
): boolean {
  const { session, check } = operator;
  if (!sessionsOf(session.link).includes(message.session)) return true;
  if (!isOfUse(session.link, message)) {
    drop('sdp', 'answers nothing that was asked');
    return false;
  }
  const why = check.refuses(message);
  if (why === null) return true;
  drop('sdp', `an operator is refused: ${why}`);
  if (why === TOO_MANY) return false;
  operator.stopRefusing();
  operator.stopRefusing = clock.after(REFUSE_MS, () => {
    const { link } = session;
    const waits = link.phase === 'connecting' && !link.attempt.answered;
    if (!waits || link.session !== message.session) return;
    session.close('refused', `this vehicle takes operators of its fleet only, and ${why}`);
  });
  return false;
}

/** What the negotiation would drop in any case, as it has been answered, is not worth the look at a signature. */
function isOfUse(link: Link, { type, session }: Sdp): boolean {
  const attempt = attemptOf(link);
  if (type === 'answer') return attempt?.session === session && !attempt.answered;
  return type === 'restart' && link.phase !== 'connecting' && !attempt?.answered;
}

/** Nothing that was to happen to it later happens any more. */
export function stopTimers({ stopStates, stopWaiting, stopRefusing }: Operator): void {
  stopStates();
  stopWaiting();
  stopRefusing();
}
