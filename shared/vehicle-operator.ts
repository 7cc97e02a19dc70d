/** What a vehicle's end keeps of one operator who is there. */
import type { Visitor } from './admission.ts';
import { createFreshness } from './freshness.ts';
import type { createReports } from './reports.ts';
import type { Session } from './session.ts';
import type { LastCommand } from './vehicle-reports.ts';

export interface Operator extends Visitor {
  peer: string;
  session: Session;
  epoch: number;
  enter(): void;
  /** It is not waited for any more that it enters. */
  stopWaiting(): void;
  reports: ReturnType<typeof createReports>;
  command: LastCommand | null;
  /** Why the session failed, as it was told. */
  told: string | null;
  /** The next state message that is due without a command. */
  stopStates(): void;
  freshness: ReturnType<typeof createFreshness>;
}

type Given = Pick<Operator, 'peer' | 'session' | 'epoch' | 'enter' | 'stopWaiting' | 'reports'>;

/** Who has just come, and has said nothing. */
export const newOperator = (given: Given): Operator => ({
  ...given,
  entered: false,
  command: null,
  told: null,
  stopStates: () => {},
  freshness: createFreshness(),
});
