/**
 * From hands to commands: asks for the lease at the first drive input, sends commands while it is
 * held, and lets go of everything when the operator can't be looking any more.
 */
import { signal } from '@preact/signals';
import { COMMAND_HZ, type Command, type Gear } from '../../shared/channels.ts';
import type { Clock } from '../../shared/clock.ts';
import { type Claim, isClaimed } from '../../shared/room-view.ts';
import { AT_REST, combine, type Input, isAtRest } from './inputs/controls.ts';

/** A driver's full brake goes out so often at once beside the stop itself, since `control` is lossy. */
const STOP_COPIES = 3;

const INTERRUPTED = 'The connection was interrupted. Let go of the throttle, then drive on.';
const NOT_ASKED = 'You don’t drive yet. Let go of the throttle, then press it again.';
const STOPPED = 'The car has stopped by itself. Let go of the throttle, then drive on.';
const BLIND = 'The picture stands still. Let go of the throttle, and drive on when it moves again.';
const NOT_SAID =
  'The stop has not reached the car: there is no connection. Without commands it brakes by itself.';

export interface Wheel {
  claim(): Claim;
  /** Commands reach the car, as far as is known. */
  connected(): boolean;
  /** The car says that it has stopped by itself, or for an emergency stop. */
  stopped(): boolean;
  /** What is on the screen is a live picture, or was a moment ago. */
  sees(): boolean;
  request(): void;
  release(): void;
  /** To the one who asks for it. */
  handOver(): void;
  /** Emergency stop, by every way there is. False when none is open. */
  estop(): boolean;
  /** Ends it. */
  reset(): void;
  /** False when it could not be sent. */
  command(wanted: Pick<Command, 'steer' | 'throttle' | 'brake' | 'gear'>): boolean;
}

export type Drive = ReturnType<typeof createDrive>;

export function createDrive(wheel: Wheel, inputs: Input[], clock: Clock) {
  const gear = signal<Gear>('D');
  /** Why the operator doesn't drive any more, as a sentence; null when there is nothing to say. */
  const letGoBecause = signal<string | null>(null);
  /** Hands must have come to rest before they ask for the lease: after a stop, holding on means nothing. */
  let rested = true;
  /**
   * Why the throttle must be released before it does anything; null when it need not. Nobody saw what it
   * would have done in an interruption, nor does it ask for the lease again when a new session has none.
   */
  const heldBack = signal<string | null>(null);
  let readAt = clock.now();

  const stopTicking = clock.every(1000 / COMMAND_HZ, tick);

  function tick(): void {
    const now = clock.now();
    const wanted = combine(inputs.map((input) => input.read((now - readAt) / 1000)));
    readAt = now;
    if (!isAtRest(wanted) && !isClaimed(wheel.claim()) && rested) ask();
    rested = isAtRest(wanted);
    const claim = wheel.claim();
    if (wanted.throttle === 0) heldBack.value = null;
    else if (!wheel.connected()) heldBack.value = INTERRUPTED;
    else if (!wheel.sees()) heldBack.value ??= BLIND;
    else if (wheel.stopped()) heldBack.value ??= STOPPED;
    // The wheel may come at any time, and not for who has pressed all the while.
    else if (claim.state === 'none' || (claim.state === 'asked' && claim.waits)) heldBack.value ??= NOT_ASKED;
    const throttle = heldBack.value === null ? wanted.throttle : 0;
    if (claim.state === 'held') wheel.command({ ...wanted, throttle, gear: gear.value });
  }

  function ask(): void {
    letGoBecause.value = null;
    wheel.request();
  }

  function drop(because: string | null): void {
    for (const input of inputs) input.reset();
    rested = false;
    letGoBecause.value = because;
    wheel.release();
  }

  function neutral(): void {
    wheel.command({ ...AT_REST, gear: gear.value });
  }

  return {
    gear,
    letGoBecause,
    /** What keeps the throttle from the car though it is pressed, as a sentence; null when nothing does. */
    heldBack,
    shift(to: Gear): void {
      gear.value = to;
    },
    /** Asks for the lease. */
    take: ask,
    /** Neutral at once, then nothing more. @param because a sentence, or null when it was the operator's wish */
    letGo(because: string | null): void {
      if (!isClaimed(wheel.claim())) return;
      neutral();
      drop(because);
    },
    /** The wheel goes to the one who asks for it; the car stands before that. */
    handOver(): void {
      neutral();
      for (const input of inputs) input.reset();
      rested = false;
      wheel.handOver();
    },
    /** Emergency stop: the car brakes at once and stays stopped until it is reset, whoever drives. */
    stop(): void {
      for (let copy = 0; copy < STOP_COPIES; copy++) {
        wheel.command({ ...AT_REST, brake: 1, gear: gear.value });
      }
      for (const input of inputs) input.reset();
      rested = false;
      heldBack.value = STOPPED;
      letGoBecause.value = wheel.estop() ? null : NOT_SAID;
    },
    /** The emergency stop is over, where the car stands; then nothing moves before the throttle is pressed anew. */
    reset: (): void => wheel.reset(),
    close(): void {
      stopTicking();
    },
  };
}
