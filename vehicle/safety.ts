/**
 * What the vehicle does with commands: they count only while they are fresh. Pure; the agent asks
 * fifty times a second what to apply now.
 *
 * The stages are those of ROS controllers, which stop 500 ms after the last command
 * (diff_drive_controller's cmd_vel_timeout), with the throttle released well before that.
 */
import type { Command, SafetyState } from '../shared/channels.ts';
import type { Actuation } from './parts.ts';

/** Without a fresh command for this long, the throttle is released, ms. */
export const RELEASE_MS = 200;
/** Without a fresh command for this long, the vehicle brakes to a stop, ms. */
export const BRAKE_MS = 500;

/** Standing, and held there. */
const HELD: Actuation = { steer: 0, throttle: 0, brake: 1, gear: 'N' };

export interface Decision {
  apply: Actuation;
  state: SafetyState;
  reason?: string;
}

/**
 * @param last the driver's last command and when it arrived, ms; null when nobody drives, or since
 *   somebody else does
 * @param now on the same clock
 */
export function decide(last: { command: Command; at: number } | null, now: number): Decision {
  if (last === null) return { apply: HELD, state: 'ready' };
  const { steer, throttle, brake, gear } = last.command;
  const age = now - last.at;
  // A clock that was set back must not make a command fresh for ever.
  if (age < 0 || age >= BRAKE_MS) {
    const reason = `no command for ${BRAKE_MS} ms`;
    return { apply: { steer, throttle: 0, brake: 1, gear }, state: 'stopped', reason };
  }
  if (age >= RELEASE_MS) return { apply: { steer, throttle: 0, brake, gear }, state: 'driving' };
  return { apply: { steer, throttle, brake, gear }, state: 'driving' };
}
