/**
 * How the simulated car moves: the kinematic bicycle model, referred to the centre of the rear axle.
 *
 *     x' = v cos θ     y' = v sin θ     θ' = v tan δ / L
 *
 * S. M. LaValle, Planning Algorithms, Cambridge University Press 2006, section 13.1.2.1, equation
 * (13.15), http://lavalle.pl/planning/node658.html. The radius of the turn of the rear axle's centre
 * is so L / tan δ. The model knows no slip; beyond {@link LIMITS}.grip the curvature is held back
 * instead, as in an understeering car, since full lock at top speed would be five times gravity.
 *
 * Pure: same input, same output. Metres, seconds, radians counter-clockwise.
 */
import type { Gear } from '../../shared/channels.ts';
import type { Actuation } from '../../shared/safety.ts';
import { wrapAngle } from './track.ts';

export const LIMITS = {
  /** m/s, forward: where full throttle and {@link COASTING} balance. */
  forwardSpeed: 15,
  /** m/s, in reverse. */
  reverseSpeed: 3,
  /** Steering angle of the front wheels at full lock, rad. */
  steeringAngle: (30 * Math.PI) / 180,
  /** Of the front wheels, rad/s; a brisk driver's hands. */
  steeringRate: (60 * Math.PI) / 180,
  /** m/s² at full throttle from standstill. */
  acceleration: 3,
  /** m/s² at full brake, beside coasting. */
  braking: 8,
  /** Lateral, m/s². */
  grip: 7,
} as const;

/** Distance between the axles, m. */
export const WHEELBASE = 2.6;

/** Deceleration without pedals: rolling and motor drag, m/s², and air, 1/m. */
const COASTING = { rolling: 0.3, air: (LIMITS.acceleration - 0.3) / LIMITS.forwardSpeed ** 2 };
/** Below this the gear lever may change the sense of travel, m/s. */
const STANDSTILL = 0.01;
/** Charge used in a second of full throttle at top speed, %. */
const FULL_POWER_DRAIN = 0.01;

export interface CarState {
  /** Centre of the rear axle, m. */
  x: number;
  y: number;
  /** −π…π */
  heading: number;
  /** m/s, negative in reverse. */
  speed: number;
  /** Of the front wheels, rad, positive left. */
  steeringAngle: number;
  /** The gear that is engaged; the lever's only from the moment that it can be. */
  gear: Gear;
  /** m/s² in the direction of the car's nose. */
  acceleration: number;
  /** m/s², positive to the left. */
  lateralAcceleration: number;
  /** rad/s, positive to the left. */
  yawRate: number;
  /** Way travelled, forward or back, m. */
  distance: number;
  /** 0…100 %; the simulated car still drives when it is empty. */
  battery: number;
}

/** A car at rest. */
export function restingAt(x: number, y: number, heading: number): CarState {
  return {
    x,
    y,
    heading,
    speed: 0,
    steeringAngle: 0,
    gear: 'N',
    acceleration: 0,
    lateralAcceleration: 0,
    yawRate: 0,
    distance: 0,
    battery: 100,
  };
}

/**
 * An actuation that is safe to apply: in range, and where a number is none, no throttle, full brake
 * and wheels straight. An unknown gear is N.
 */
export function safeActuation(wanted: Actuation): Actuation {
  const clean = [wanted.steer, wanted.throttle, wanted.brake].every((value) => Number.isFinite(value));
  const gear = wanted.gear === 'D' || wanted.gear === 'R' ? wanted.gear : 'N';
  return {
    steer: Number.isFinite(wanted.steer) ? clamp(wanted.steer, -1, 1) : 0,
    throttle: clean ? clamp(wanted.throttle, 0, 1) : 0,
    brake: clean ? clamp(wanted.brake, 0, 1) : 1,
    gear,
  };
}

/**
 * The state one step later.
 * @param dt seconds; 0.01 is what the driver uses, beyond 0.1 it becomes inexact
 */
export function step(state: CarState, wanted: Actuation, dt: number): CarState {
  const { steer, throttle, brake, gear: lever } = safeActuation(wanted);
  const gear = engagedGear(state.speed, lever);
  const speed = nextSpeed(state.speed, gear, throttle, brake, dt);
  const steeringAngle = approach(state.steeringAngle, steer * LIMITS.steeringAngle, LIMITS.steeringRate * dt);

  const mean = (state.speed + speed) / 2;
  const yawRate = mean * gripCurvature(Math.tan(steeringAngle) / WHEELBASE, mean);
  const way = mean * dt;
  // The chord of a short arc points along the middle heading.
  const middle = state.heading + (yawRate * dt) / 2;
  const power = (throttle * Math.abs(mean)) / LIMITS.forwardSpeed;
  return {
    x: state.x + way * Math.cos(middle),
    y: state.y + way * Math.sin(middle),
    heading: wrapAngle(state.heading + yawRate * dt),
    speed,
    steeringAngle,
    gear,
    acceleration: dt > 0 ? (speed - state.speed) / dt : 0,
    lateralAcceleration: mean * yawRate,
    yawRate,
    distance: state.distance + Math.abs(way),
    battery: Math.max(0, state.battery - (gear === 'N' ? 0 : power * FULL_POWER_DRAIN * dt)),
  };
}

/** D and R engage only at rest or when the car moves their way already; until then it is out of gear. */
function engagedGear(speed: number, lever: Gear): Gear {
  if (lever === 'D') return speed > -STANDSTILL ? 'D' : 'N';
  if (lever === 'R') return speed < STANDSTILL ? 'R' : 'N';
  return 'N';
}

/** First the motor's push, then what resists, which can stop the car but never push it. */
function nextSpeed(speed: number, gear: Gear, throttle: number, brake: number, dt: number): number {
  const direction = gear === 'D' ? 1 : gear === 'R' ? -1 : 0;
  const pushed = speed + direction * throttle * LIMITS.acceleration * dt;
  const resistance = COASTING.rolling + COASTING.air * speed ** 2 + brake * LIMITS.braking;
  const slowed = approach(pushed, 0, resistance * dt);
  return clamp(slowed, -LIMITS.reverseSpeed, LIMITS.forwardSpeed);
}

/** The curvature that the tyres can hold at a speed, 1/m. */
function gripCurvature(curvature: number, speed: number): number {
  const most = LIMITS.grip / Math.max(speed ** 2, 1e-6);
  return clamp(curvature, -most, most);
}

/** Moves a value towards a target, no further than the target. */
function approach(value: number, target: number, by: number): number {
  return value < target ? Math.min(target, value + by) : Math.max(target, value - by);
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
