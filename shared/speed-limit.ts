/**
 * How fast a vehicle lets itself be driven. Pictures and commands that are late together by more than 200 ms make
 * it slower, v · 0.2 s / t, as Germany's Straßenverkehr-Fernlenk-Verordnung (StVFernLV, in force since 2025-12-01)
 * has it for remotely driven cars; by more than a ceiling, it stops.
 */
import type { Limits } from './channels.ts';
import type { Actuation } from './safety.ts';

/** Up to this much delay of picture and command together the vehicle goes at its own pace, ms. */
export const LATENCY_LIMIT_MS = 200;
/** With more than this it stops, unless told otherwise, ms. */
export const LATENCY_CEILING_MS = 1_000;
/** Unless told otherwise, m/s: 60 km/h. */
export const MAX_SPEED = 60 / 3.6;

export interface SpeedRules {
  /** The vehicle's own, m/s. */
  maxSpeed: number;
  /** ms; more than {@link LATENCY_LIMIT_MS}. */
  ceilingMs: number;
}

export const DEFAULT_SPEED_RULES: SpeedRules = { maxSpeed: MAX_SPEED, ceilingMs: LATENCY_CEILING_MS };

export interface SpeedLimit {
  /** m/s; 0 is a stop. */
  readonly maxSpeed: number;
  /** Null while it is the vehicle's own. */
  readonly reason: string | null;
}

export const ownLimit = ({ maxSpeed }: SpeedRules): SpeedLimit => ({ maxSpeed, reason: null });

/** As operators are told. */
export const limitsOf = ({ maxSpeed, reason }: SpeedLimit): Limits => ({
  maxSpeed: Math.round(maxSpeed * 100) / 100,
  ...(reason === null ? {} : { reason }),
});

/** A limit ends a little below where it begins, or it would come and go with every picture. */
const RELIEF = 0.9;

/** @param delay of picture and command together, ms; null where that is not known */
export function limitFor(delay: number | null, before: SpeedLimit, rules: SpeedRules): SpeedLimit {
  const { maxSpeed, ceilingMs } = rules;
  const limited = LATENCY_LIMIT_MS * (before.reason === null ? 1 : RELIEF);
  if (delay === null || delay <= limited) return ownLimit(rules);
  const ceiling = ceilingMs * (before.maxSpeed === 0 ? RELIEF : 1);
  const reason = `picture and command are ${Math.round(delay / 10) * 10} ms late`;
  if (delay > ceiling) return { maxSpeed: 0, reason: `${reason}, more than ${ceilingMs}` };
  return { maxSpeed: (maxSpeed * LATENCY_LIMIT_MS) / Math.max(delay, LATENCY_LIMIT_MS), reason };
}

/** Delays of so long count together, by the middle one: one late picture is no reason to brake. ms */
const WINDOW_MS = 500;
/** What is only a little more or less is said no more often than this, ms. */
const STEADY_MS = 500;

/** Keeps the limit of one vehicle. @param onLimit it is another one */
export function keepSpeedLimit(rules: SpeedRules, onLimit: (limit: SpeedLimit) => void) {
  let delays: { ms: number; at: number }[] = [];
  let limit = ownLimit(rules);
  let changedAt = Number.NEGATIVE_INFINITY;
  function set(next: SpeedLimit): void {
    if (next.reason === limit.reason) return;
    limit = next;
    onLimit(limit);
  }
  return {
    /** A command has come. @param delay as in {@link limitFor} @param now monotonic, ms */
    take(delay: number | null, now: number): void {
      delays = delays.filter(({ at }) => now - at < WINDOW_MS);
      if (delay !== null) delays.push({ ms: delay, at: now });
      const sorted = delays.map(({ ms }) => ms).sort((a, b) => a - b);
      const next = limitFor(sorted[Math.floor(sorted.length / 2)] ?? null, limit, rules);
      const kind = ({ maxSpeed, reason }: SpeedLimit) => (reason === null ? 'own' : maxSpeed > 0);
      const steady = kind(next) === kind(limit) && now - changedAt < STEADY_MS;
      if (steady) return;
      if (next.reason !== limit.reason) changedAt = now;
      set(next);
    },
    /** Somebody else drives, or nobody. */
    clear(): void {
      delays = [];
      set(ownLimit(rules));
    },
  };
}

/** From so much below the limit on the throttle comes down, m/s. */
const TAPER = 1;
/** Above it the vehicle brakes by so much more for each m/s, up to as much as passengers bear. */
const BRAKE = { per: 0.25, most: 0.5 };

/** An actuation that keeps to a limit. @param speed m/s, negative in reverse @param maxSpeed m/s */
export function governed(wanted: Actuation, speed: number, maxSpeed: number): Actuation {
  const room = maxSpeed - Math.abs(speed);
  if (room >= TAPER) return wanted;
  if (room > 0) return { ...wanted, throttle: Math.min(wanted.throttle, room / TAPER) };
  const brake = Math.min(BRAKE.most, -room * BRAKE.per);
  return { ...wanted, throttle: 0, brake: Math.max(wanted.brake, brake) };
}

/** Of a picture and the command that answers it, together. @param age of the command, ms @param video of the picture, ms */
export const delayOf = (age: number, video = 0): number => age + video;
