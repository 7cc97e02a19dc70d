/**
 * The safety state of a vehicle: what it makes of commands, and of their absence. Pure, the same for every
 * kind of vehicle. Whoever runs it tells it what happens, and at least fifty times a second the time.
 *
 *     ready ──────► driving ◄────► degraded          nobody drives ► ready
 *       ▲              │               │
 *       │              ▼               ▼
 *       └────────── stopped ◄──────────┘             any of them ► estopped, until it is reset
 *
 * A command counts while it is fresh: after a first time without one the throttle is released, after a second
 * one the vehicle brakes to a stop, and whoever drove must let go of the throttle before it does anything again.
 * The order of the times is that of the VALU3S remote-driving use case (a gap of more than 150 ms, and 500 ms
 * without a heartbeat) and of ROS controllers (`cmd_vel_timeout` of diff_drive_controller, 0.5 s).
 */
import type { Command, Gear, SafetyState } from './channels.ts';
import { governed, keepSpeedLimit, ownLimit, type SpeedLimit, type SpeedRules } from './speed-limit.ts';

/** Without a fresh command for so long, the throttle is released, ms. */
export const RELEASE_MS = 150;
/** Without a fresh command for so long, the vehicle brakes to a stop, ms. */
export const BRAKE_MS = 500;
/** Slower than this counts as standing, m/s. */
export const STANDING = 0.1;

/** Of what somebody else says, characters: with more a message would not be believed (messages.ts). */
const MAX_REASON = 200;

export interface SafetyTimes {
  releaseMs: number;
  brakeMs: number;
}

export const DEFAULT_TIMES: SafetyTimes = { releaseMs: RELEASE_MS, brakeMs: BRAKE_MS };

/** What the pedals, the wheel and the gear lever should be. */
export interface Actuation {
  /** −1…1, positive left. */
  steer: number;
  /** 0…1 */
  throttle: number;
  /** 0…1 */
  brake: number;
  gear: Gear;
}

export interface Safety {
  readonly state: SafetyState;
  /** Why, in words; null where the state says it all. */
  readonly reason: string | null;
  /** Holder of the lease. */
  readonly driver: string | null;
  /** The driver has shown the throttle at rest, or has asked for the wheel, since the vehicle last stopped by itself. */
  readonly armed: boolean;
  /** The driver's last command, and when it came, monotonic, ms. */
  readonly last: { readonly command: Command; readonly at: number } | null;
  /** Where the wheel was last: a car that brakes in a bend shall stay in it. */
  readonly steer: number;
  readonly limit: SpeedLimit;
  /** The last command is not too old for its throttle. */
  readonly fresh: boolean;
}

export type SafetyEvent =
  /** @param asked the driver has asked for the wheel, which a hand on the throttle does that was at rest before */
  | { type: 'lease'; driver: string | null; asked: boolean }
  /** A command of the driver's that is fresh. */
  | { type: 'command'; command: Command }
  | { type: 'estop'; by: string; reason: string | null }
  | { type: 'reset' }
  /** How late pictures and commands are makes another one necessary. */
  | { type: 'limit'; limit: SpeedLimit }
  | { type: 'tick' };

export const AT_FIRST: Safety = {
  state: 'ready',
  reason: null,
  driver: null,
  armed: false,
  last: null,
  steer: 0,
  limit: { maxSpeed: Number.POSITIVE_INFINITY, reason: null },
  fresh: false,
};

/** @param now monotonic, ms @param speed of the vehicle, m/s */
export function safetyAfter(
  before: Safety,
  event: SafetyEvent,
  now: number,
  times: SafetyTimes,
  speed: number,
): Safety {
  const standing = Math.abs(speed) <= STANDING;
  return judged(taken(before, event, now, standing), now, times, standing);
}

function taken(before: Safety, event: SafetyEvent, now: number, standing: boolean): Safety {
  /** One that has stopped by itself comes to a stand first, whatever anybody wants. */
  const mayArm = before.state !== 'stopped' || standing;
  switch (event.type) {
    case 'lease':
      // After an emergency stop asking alone is not enough.
      return {
        ...before,
        driver: event.driver,
        armed: event.asked && before.state !== 'estopped' && mayArm,
        last: null,
      };
    case 'command': {
      const { command } = event;
      if (before.driver === null || before.state === 'estopped') return before;
      const armed = before.armed || (command.throttle === 0 && mayArm);
      return { ...before, armed, last: { command, at: now }, steer: command.steer };
    }
    case 'estop': {
      if (before.state === 'estopped') return before;
      const why = event.reason ? `: ${event.reason.slice(0, MAX_REASON)}` : '';
      return { ...before, state: 'estopped', reason: `by ${event.by}${why}`, armed: false, last: null };
    }
    case 'reset':
      if (before.state !== 'estopped' || !standing) return before;
      return { ...before, state: 'ready', reason: null, armed: false, last: null };
    case 'limit':
      return { ...before, limit: event.limit };
    case 'tick':
      return before;
  }
}

/** What has become of it by now. */
function judged(safety: Safety, now: number, { releaseMs, brakeMs }: SafetyTimes, standing: boolean): Safety {
  if (safety.state === 'estopped') return safety;
  if (safety.driver === null) {
    return safety.state === 'stopped' && !standing ? safety : become(safety, 'ready', null);
  }
  // Who has the wheel and has not begun; one that was stopped stays so until it does.
  if (safety.last === null) return safety.state === 'stopped' ? safety : become(safety, 'ready', null);
  const age = now - safety.last.at;
  // A clock that was set back must not make a command fresh for ever.
  if (!(age >= 0 && age < brakeMs)) {
    if (safety.state === 'stopped') return safety;
    return { ...become(safety, 'stopped', `no command for ${brakeMs} ms`), armed: false };
  }
  if (!safety.armed) {
    if (safety.state === 'stopped' || safety.state === 'ready') return safety;
    return become(safety, 'stopped', 'the throttle was not released');
  }
  const { maxSpeed, reason } = safety.limit;
  if (maxSpeed === 0) return { ...become(safety, 'stopped', reason), armed: false };
  if (age >= releaseMs) return become(safety, 'degraded', `no command for ${releaseMs} ms`, false);
  return become(safety, reason === null ? 'driving' : 'degraded', reason, true);
}

/** The same object where nothing changes. */
function become(safety: Safety, state: SafetyState, reason: string | null, fresh = false): Safety {
  const same = safety.state === state && safety.reason === reason && safety.fresh === fresh;
  return same ? safety : { ...safety, state, reason, fresh };
}

/** What to apply. @param speed m/s, negative in reverse */
export function actuationOf({ state, last, steer, limit, fresh }: Safety, speed: number): Actuation {
  if (last === null || state === 'ready') return { steer, throttle: 0, brake: 1, gear: 'N' };
  const { throttle, brake, gear } = last.command;
  if (state !== 'driving' && state !== 'degraded') return { steer, throttle: 0, brake: 1, gear };
  const wanted = { steer, throttle: fresh ? throttle : 0, brake, gear };
  return governed(wanted, speed, limit.maxSpeed);
}

/** How long an actuation may be held, from now on, if nothing follows it, ms. */
export interface Hold {
  /** Then the throttle is to be released. */
  releaseIn: number;
  /** Then the brake is to be full. */
  brakeIn: number;
}

/** What has no throttle needs no end: a vehicle that stands goes on standing. */
const UNTIL_NEXT: Hold = { releaseIn: 0, brakeIn: 0 };

/** So that what moves can keep the times by itself, should this run late or never again. @param now monotonic, ms */
export function holdOf({ state, last }: Safety, now: number, { releaseMs, brakeMs }: SafetyTimes): Hold {
  if (last === null || (state !== 'driving' && state !== 'degraded')) return UNTIL_NEXT;
  const age = now - last.at;
  return { releaseIn: Math.max(0, releaseMs - age), brakeIn: Math.max(0, brakeMs - age) };
}

export interface SafetyOptions {
  times: SafetyTimes;
  limits: SpeedRules;
  /** Of the vehicle now, m/s, negative in reverse. */
  speed(): number;
  /** Monotonic, ms: the age of a command must not depend on a clock that somebody can set. */
  now(): number;
  /** Something is different: the state, or only the command that it is based on. */
  onSafety(safety: Safety, before: Safety): void;
  /** The vehicle has stopped by itself: commands that were sent before must not move it again. */
  onStopped(): void;
  onLimit(limit: SpeedLimit): void;
}

/** Keeps the safety state of one vehicle. */
export function keepSafety(options: SafetyOptions) {
  const { times, limits, speed, now, onSafety, onStopped, onLimit } = options;
  let safety: Safety = { ...AT_FIRST, limit: ownLimit(limits) };
  const limit = keepSpeedLimit(limits, (next) => {
    step({ type: 'limit', limit: next });
    onLimit(next);
  });
  function step(event: SafetyEvent): void {
    const before = safety;
    safety = safetyAfter(before, event, now(), times, speed());
    // What moves keeps its times by itself, and need not be told again and again.
    if (safety === before) return;
    onSafety(safety, before);
    if (safety.state === 'stopped' && before.state !== 'stopped') onStopped();
  }
  return {
    /** As it is at this moment: time has passed since it was last looked at. */
    get now(): Safety {
      step({ type: 'tick' });
      return safety;
    },
    /**
     * What comes after a gap, in which nothing ran either, does not undo the gap.
     * @param delay of a command, as in speed-limit.ts
     */
    take(event: SafetyEvent, delay: number | null = null): void {
      step({ type: 'tick' });
      if (event.type === 'command') limit.take(delay, now());
      if (event.type === 'lease' && event.driver !== safety.driver) limit.clear();
      if (event.type !== 'tick') step(event);
    },
  };
}
