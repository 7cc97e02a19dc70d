/**
 * From hands to commands: asks for the lease at the first drive input, sends commands while it is
 * held, and lets go of everything when the operator can't be looking any more.
 */
import { signal } from '@preact/signals';
import { COMMAND_HZ, type Command, type Gear } from '../../shared/channels.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Claim } from '../../shared/operator-end.ts';
import { AT_REST, combine, type Input, isAtRest } from './inputs/controls.ts';

/** The stop goes out so often at once, since `control` is lossy. */
const STOP_COPIES = 3;

const INTERRUPTED = 'The connection was interrupted. Let go of the throttle, then drive on.';
const NOT_ASKED = 'You don’t drive yet. Let go of the throttle, then press it again.';
const NOT_DRIVING = 'You aren’t driving: only the driver’s stop reaches the car.';

export interface Wheel {
  claim(): Claim;
  /** Commands reach the car, as far as is known. */
  connected(): boolean;
  request(): void;
  release(): void;
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
    const claim = wheel.claim().state;
    if (!isAtRest(wanted) && claim !== 'held' && claim !== 'asked' && rested) ask();
    rested = isAtRest(wanted);
    if (wanted.throttle === 0) heldBack.value = null;
    else if (!wheel.connected()) heldBack.value = INTERRUPTED;
    else if (wheel.claim().state === 'none') heldBack.value ??= NOT_ASKED;
    const throttle = heldBack.value === null ? wanted.throttle : 0;
    if (claim === 'held') wheel.command({ ...wanted, throttle, gear: gear.value });
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
      const claim = wheel.claim().state;
      if (claim !== 'held' && claim !== 'asked') return;
      wheel.command({ ...AT_REST, gear: gear.value });
      drop(because);
    },
    /** Full brake, and the lease goes back, upon which the vehicle keeps itself stopped. */
    stop(): void {
      const held = wheel.claim().state === 'held';
      for (let copy = 0; copy < STOP_COPIES; copy++) {
        wheel.command({ ...AT_REST, brake: 1, gear: gear.value });
      }
      drop(held ? 'Stopped. You let go of the wheel.' : (letGoBecause.value ?? NOT_DRIVING));
    },
    close(): void {
      stopTicking();
    },
  };
}
