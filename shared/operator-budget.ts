/**
 * What one operator may say to a vehicle on the data channels, so that whoever has a token can't keep the vehicle
 * from its work. Charged before anything is parsed, but for the kind of an event. What is too much is dropped; who
 * goes on with it is to be put out. Pure: the clock is the caller's.
 */
import { type Bucket, createBucket } from './bucket.ts';
import type { ChannelName } from './channels.ts';

/** Messages a second: an operator sends 50 commands, a beat where it says nothing, and 4 `clock` events. */
const ENTERED = { control: 100, events: 20, clock: 8 };
/** Of a session that was made ahead, and that nobody is shown: beats, and the clock. */
const AHEAD = { control: 20, events: 10, clock: 8 };
/** What comes at once after a moment without a path, s. */
const BURST_S = 1;
/** What is dropped of so many seconds' worth is no mishap any more. */
const MOST_DROPPED_S = 5;

export type Kind = keyof typeof ENTERED;
/** fine: to be looked at; over: to be dropped; out: it goes on and on, and its session is to be ended. */
export type Charge = 'fine' | 'over' | 'out';

export interface OperatorBudget {
  channel(name: ChannelName): Charge;
  /** For a `clock` event beside what it cost as an event. */
  clock(): Charge;
  /** The operator has entered: it may say more. */
  enter(): void;
}

/** @param now ms */
export function createOperatorBudget(now: () => number): OperatorBudget {
  let budgets = of(AHEAD);

  function of(rates: typeof ENTERED): Record<Kind, { allowed: Bucket; dropped: Bucket }> {
    const budget = (kind: Kind) => ({
      allowed: createBucket(rates[kind], BURST_S, now()),
      dropped: createBucket(rates[kind], MOST_DROPPED_S, now()),
    });
    return { control: budget('control'), events: budget('events'), clock: budget('clock') };
  }

  function charge(kind: Kind): Charge {
    const { allowed, dropped } = budgets[kind];
    const at = now();
    const fits = allowed.waitMs(at) === 0;
    (fits ? allowed : dropped).take(1, at);
    if (fits) return 'fine';
    return dropped.waitMs(at) === 0 ? 'over' : 'out';
  }

  return {
    channel: charge,
    clock: () => charge('clock'),
    enter() {
      budgets = of(ENTERED);
    },
  };
}
