/**
 * Signs of life of one session. Each end says something at least every {@link BEAT_MS}, on `control`, where
 * nothing lost holds up what follows; an end that hears nothing at all knows within a second that the way
 * is gone, long before ICE does (RFC 7675 allows 30 s).
 */
import type { Clock } from './clock.ts';

/** The empty object on `control`: only that its sender is there. */
export const BEAT = '{}';
/** An end that has said nothing for so long sends a beat, ms. */
export const BEAT_MS = 150;
/** Silence after which the broker and the path are asked whether they are still there, ms. */
export const QUIET_MS = 300;
/** Between two such questions while the silence lasts, ms. */
const ASK_MS = 500;
/**
 * Silence after which a connection counts as interrupted, ms. Four beats in a row: at 5 % loss that is once
 * in some hours of nothing but beats, and a driver's and a vehicle's messages come more often.
 */
export const SILENCE_MS = 600;
/** How often it is looked whether something is due, ms. */
const LOOK_MS = 50;

export interface HeartbeatOptions {
  beat(): void;
  /** Nothing was heard for a moment: time to see what is still there. Again and again while it lasts. */
  onQuiet(): void;
  /** After that something is heard again. */
  onSound(): void;
  onSilence(): void;
  clock: Clock;
}

export type Heartbeat = ReturnType<typeof createHeartbeat>;

/** Begins with something heard; runs until stopped. */
export function createHeartbeat({ beat, onQuiet, onSound, onSilence, clock }: HeartbeatOptions) {
  let lookedAt = clock.now();
  let saidAt = Number.NEGATIVE_INFINITY;
  /** Silence in time that this end was awake, ms. */
  let quiet = 0;
  let askedAt = 0;

  const stop = clock.every(LOOK_MS, () => {
    const now = clock.now();
    // While this end stood still, or ran once a second in a hidden tab, what came could not be heard.
    const before = quiet;
    quiet += Math.min(Math.max(now - lookedAt, 0), 2 * LOOK_MS);
    lookedAt = now;
    beatIfDue(now);
    if (quiet >= QUIET_MS && (before < QUIET_MS || quiet - askedAt >= ASK_MS)) {
      askedAt = quiet;
      onQuiet();
    }
    if (quiet >= SILENCE_MS) onSilence();
  });

  function beatIfDue(now: number): void {
    // A clock that was set back must not stop the beats.
    if (now - saidAt < BEAT_MS && now >= saidAt) return;
    saidAt = now;
    beat();
  }

  return {
    /** Something came; the other end hears of this one at once, even when timers hardly run here. */
    heard(): void {
      const before = quiet;
      quiet = 0;
      beatIfDue(clock.now());
      if (before >= QUIET_MS) onSound();
    },
    /** Something was sent that the other end will hear. */
    said(): void {
      saidAt = clock.now();
    },
    stop,
  };
}
