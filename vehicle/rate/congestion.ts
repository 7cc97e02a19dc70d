/**
 * What the path carries: a bit rate to encode with, and how much may be on its way at a time.
 *
 * Two controls, as in SCReAM (RFC 8298). The window answers at once: when reports stop coming, sending stops.
 * The rate grows up to a part of what the narrowest place of the path passes. That can be seen in every
 * picture, since its packets leave a little faster: those that queue arrive as fast as they pass. When a queue
 * stands, the rate falls to less than that. Loss alone, which radio paths have, changes nothing until it is
 * heavy (as in draft-ietf-rmcat-gcc-02, section 6).
 */
import { createQueueDelay } from './delay.ts';
import type { Arrived } from './flight.ts';

/** Below this nothing can be seen any more, kbit/s. */
export const FLOOR_KBPS = 150;
/** To begin with, when nothing is known of the path, kbit/s. */
export const START_KBPS = 1_200;

/** Every packet waits this long: more is sent than the path carries, ms. */
const STANDING_LIMIT_MS = 25;
/** The same, of the last few packets only: a picture of the right size is through by then, ms. */
const LATEST_LIMIT_MS = 45;
/** Of what the path carries: how much is used, and how much while a queue has to run empty. */
const USE = 0.92;
const BACK_OFF = 0.85;
/** Growth a second, below that. */
const GROWTH = 2;
/** Pictures that need less than was allowed say nothing about the path beyond this times what they needed. */
const UNPROVEN = 1.5;
/** But this much is tried: with less there are fewer pictures (ladder.ts), and few of a plain scene prove nothing. */
const TRIED_KBPS = 500;
/** What arrives is counted over this time, to see how much is used, ms. */
const USED_MS = 400;
/** What the path carries, while a queue stands, is judged by the last packets only, ms. */
const BUSY_MS = 120;
/** Packets leave this much faster than the narrowest place passes them, so that it is seen when it widens. */
const PROBE = 1.3;
/** The packets of a picture leave at this times the rate where nothing is narrow, and at least. */
const PACE = 2.5;
const LEAST_PACE = 1.15;
/** More loss than this is a queue too short to be seen as a wait. */
const HEAVY_LOSS = 0.1;
const LOSS_MS = 500;
/** A queue that stands this long whatever is done is somebody else's, or the path has become longer, ms. */
const NOT_OURS_MS = 2_000;
/** Reports come this much later than a round trip after the packets that they are of, at least and at most, ms. */
const LEAST_SLACK_MS = 12;
const MOST_SLACK_MS = 100;
/** The slack is that of nine packets in ten: it grows by this part of what was missing, and shrinks by a ninth. */
const SLACK_STEP = 0.1;
/** And for what is not measured: timers, other packets in between, ms. */
const SPARE_MS = 8;
/** The same while a queue stands: reports that were asked for on a wider path come further apart, ms. */
const STANDING_SPARE_MS = 35;
/** A window for less than a picture's first packets stops everything, bytes. */
const LEAST_WINDOW = 6_000;
/** Reports further apart than this don't let the rate grow more, ms. */
const LONGEST_STEP_MS = 100;

export type Congestion = ReturnType<typeof createCongestion>;

/** @param ceiling upper limit, kbit/s; may be changed */
export function createCongestion(ceiling: number) {
  const delay = createQueueDelay();
  let rate = Math.min(START_KBPS, ceiling);
  /** Of the narrowest place, kbit/s; infinite while nothing queues. */
  let capacity = Number.POSITIVE_INFINITY;
  let losses: { at: number; lost: number; all: number }[] = [];
  let reportedAt: number | null = null;
  let roundTrip = Number.POSITIVE_INFINITY;
  let slack = LEAST_SLACK_MS;
  let standingSince: number | null = null;
  /** When the rate was lowered because of a queue, and by when that should have helped; ms. */
  let loweredAt = Number.NEGATIVE_INFINITY;
  let helpsBy = Number.NEGATIVE_INFINITY;

  function lossRatio(): number {
    const all = losses.reduce((sum, each) => sum + each.all, 0);
    return all === 0 ? 0 : losses.reduce((sum, each) => sum + each.lost, 0) / all;
  }

  function noteSlack(arrived: readonly Arrived<unknown>[], now: number): void {
    for (const { sentAt } of arrived) {
      const trip = now - sentAt;
      roundTrip = Math.min(roundTrip, trip);
      const step = (Math.min(trip - roundTrip, MOST_SLACK_MS) - slack) * SLACK_STEP;
      slack = Math.max(LEAST_SLACK_MS, slack + (step > 0 ? step : step / 9));
    }
  }

  /**
   * To less than what passes, so that the queue runs empty. Packets that left after that share the queue with
   * what others send meanwhile, and say little about what would be there for us.
   */
  function backOff(sentAt: number, standing: number, now: number): void {
    if (now > helpsBy) loweredAt = now;
    else if (sentAt > loweredAt) return;
    helpsBy = now + standing + roundTrip;
    rate = Math.max(FLOOR_KBPS, Math.min(rate, BACK_OFF * delay.capacity(BUSY_MS)));
  }

  /** @param factor for each tenth of a second */
  function shrink(factor: number, step: number): void {
    rate = Math.max(FLOOR_KBPS, rate * factor ** (step / 100));
  }

  function grow(step: number): void {
    const grown = rate * GROWTH ** (step / 1000);
    const proven = Math.max(rate, TRIED_KBPS, delay.arriving(USED_MS) * UNPROVEN);
    rate = Math.max(FLOOR_KBPS, Math.min(grown, proven, USE * capacity, ceiling));
  }

  /** What passes: more than the rate while a queue runs empty, which must not run dry. */
  const through = () => (standingSince === null ? rate : rate / BACK_OFF);

  return {
    /** For the encoder, kbit/s. */
    get kbps(): number {
      return rate;
    },
    /** Of packets leaving, kbit/s. */
    get pace(): number {
      if (standingSince !== null) return through() * LEAST_PACE;
      return Math.max(rate * LEAST_PACE, Math.min(rate * PACE, capacity * PROBE));
    },
    /** Bytes that may be on their way. */
    get window(): number {
      const trip = Number.isFinite(roundTrip) ? roundTrip : 200;
      const spare = standingSince === null ? SPARE_MS : STANDING_SPARE_MS;
      return Math.max(LEAST_WINDOW, (through() / 8) * (trip + slack + spare));
    },
    /** Part of the packets that got lost lately, 0…1. */
    get loss(): number {
      return lossRatio();
    },
    /** Shortest time between sending and report, ms. */
    get roundTrip(): number {
      return roundTrip;
    },
    setCeiling(kbps: number): void {
      ceiling = Math.max(FLOOR_KBPS, kbps);
      rate = Math.min(rate, ceiling);
    },
    /** Someone else knows better. */
    follow(kbps: number): void {
      rate = Math.max(FLOOR_KBPS, Math.min(kbps, ceiling));
    },
    /** A report came. @param now ms on this clock */
    report(arrived: readonly Arrived<unknown>[], lost: number, now: number): void {
      const step = Math.min(now - (reportedAt ?? now), LONGEST_STEP_MS);
      reportedAt = now;
      losses.push({ at: now, lost, all: arrived.length + lost });
      losses = losses.filter(({ at }) => at > now - LOSS_MS);
      if (arrived.length === 0) return;
      for (const { sentAt, arrivedAt, bytes } of arrived) delay.add(sentAt, arrivedAt, bytes, now);
      capacity = delay.capacity();
      const standing = delay.standing(now);
      const tooMuch = standing > STANDING_LIMIT_MS || delay.latest(now) > LATEST_LIMIT_MS;
      if (!tooMuch) {
        if (standingSince !== null) delay.forgetCapacity();
        standingSince = null;
        noteSlack(arrived, now);
        if (lossRatio() > HEAVY_LOSS) shrink(1 - lossRatio() / 2, step);
        else grow(step);
        return;
      }
      standingSince ??= now;
      backOff(arrived.at(-1)?.sentAt ?? now, standing, now);
      if (now - standingSince > NOT_OURS_MS) {
        standingSince = null;
        roundTrip = Number.POSITIVE_INFINITY;
        delay.forget();
      }
    },
    /** Nothing has been heard for a while: what was known of the path may not hold any more. */
    interrupted(): void {
      rate = Math.max(FLOOR_KBPS, rate / 2);
      roundTrip = Number.POSITIVE_INFINITY;
      delay.forget();
    },
  };
}
