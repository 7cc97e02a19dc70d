/** The simulated car as something that can be driven: runs the bicycle model in real time, and stops by itself. */
import type { Actuation, Hold } from '../../shared/safety.ts';
import { FULL_LOCK_DEGREES, type VssValues } from '../../shared/vss.ts';
import type { Driver, Motion } from '../parts.ts';
import { type CarState, LIMITS, restingAt, safeActuation, step } from './bicycle.ts';
import { createPoseBuffer, writePose } from './pose.ts';
import { START, toLatLon } from './world.ts';

/** The model always moves in steps of this length, whenever it is asked, so that jitter changes nothing. */
const STEP_MS = 10;
/** How often the car moves by itself while nobody asks: 50 Hz. */
const TICK_MS = 20;
/** What the simulated receiver claims, m. */
const POSITION_ACCURACY = 0.5;

export interface SimulatedDriverOptions {
  /** Monotonic, ms. */
  clock?: () => number;
}

export interface SimulatedDriver extends Driver {
  /** Where the car is, for the camera's thread; see pose.ts. */
  readonly pose: SharedArrayBuffer;
}

export function createSimulatedDriver(options: SimulatedDriverOptions = {}): SimulatedDriver {
  const clock = options.clock ?? (() => performance.now());
  const pose = createPoseBuffer();
  let state = restingAt(START.x, START.y, START.heading);
  let actuation: Actuation = { steer: 0, throttle: 0, brake: 1, gear: 'N' };
  /** Up to where the state is, on the clock. */
  let integrated = clock();
  /** Until when the throttle, and until when not the full brake, on the clock. */
  let hold = { release: integrated, brake: integrated };
  writePose(pose, state);

  function integrate(): void {
    const now = clock();
    const steps = Math.floor((now - integrated) / STEP_MS);
    for (let done = 0; done < steps; done++) {
      expire(integrated);
      state = step(state, actuation, STEP_MS / 1000);
      integrated += STEP_MS;
    }
    if (steps > 0) writePose(pose, state);
    // Not only with the next step, which would be up to two of them late.
    expire(now);
  }

  /** What was to be held up to then, on the clock, is over. */
  function expire(at: number): void {
    if (at >= hold.release && actuation.throttle > 0) actuation = { ...actuation, throttle: 0 };
    if (at >= hold.brake && actuation.brake < 1) actuation = { ...actuation, throttle: 0, brake: 1 };
  }

  const ticking = setInterval(integrate, TICK_MS);
  ticking.unref();

  return {
    pose,
    apply(next, { releaseIn, brakeIn }: Hold) {
      // What has passed so far belongs to the actuation before.
      integrate();
      actuation = safeActuation(next);
      const now = clock();
      hold = { release: now + releaseIn, brake: now + brakeIn };
    },
    motion() {
      integrate();
      return motionOf(state, actuation);
    },
    close: () => clearInterval(ticking),
  };
}

function motionOf(state: CarState, actuation: Actuation): Motion {
  return {
    steer: state.steeringAngle / LIMITS.steeringAngle,
    throttle: actuation.throttle,
    brake: actuation.brake,
    gear: state.gear,
    speed: state.speed,
    values: vssValues(state, actuation),
  };
}

function vssValues(state: CarState, actuation: Actuation): VssValues {
  const { latitude, longitude } = toLatLon(state.x, state.y);
  return {
    'Vehicle.Speed': rounded(state.speed * 3.6, 2),
    'Vehicle.TraveledDistance': rounded(state.distance / 1000, 4),
    'Vehicle.Acceleration.Longitudinal': rounded(state.acceleration, 2),
    'Vehicle.Acceleration.Lateral': rounded(state.lateralAcceleration, 2),
    'Vehicle.AngularVelocity.Yaw': rounded(degrees(state.yawRate), 2),
    'Vehicle.CurrentLocation.Latitude': rounded(latitude, 8),
    'Vehicle.CurrentLocation.Longitude': rounded(longitude, 8),
    'Vehicle.CurrentLocation.Heading': compassDegrees(state.heading),
    'Vehicle.CurrentLocation.HorizontalAccuracy': POSITION_ACCURACY,
    'Vehicle.Chassis.SteeringWheel.Angle': rounded(
      (state.steeringAngle / LIMITS.steeringAngle) * FULL_LOCK_DEGREES,
      0,
    ),
    'Vehicle.Chassis.Accelerator.PedalPosition': rounded(actuation.throttle * 100, 0),
    'Vehicle.Chassis.Brake.PedalPosition': rounded(actuation.brake * 100, 0),
    'Vehicle.Powertrain.Transmission.CurrentGear': { D: 1, N: 0, R: -1 }[state.gear],
    'Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed': rounded(state.battery, 2),
  };
}

/** Clockwise from north, 0…360, from radians counter-clockwise from east. */
function compassDegrees(heading: number): number {
  const clockwise = 90 - degrees(heading);
  return rounded(((clockwise % 360) + 360) % 360, 2) % 360;
}

const degrees = (radians: number) => (radians * 180) / Math.PI;

/** What telemetry needs, without the digits that it doesn't; never −0, which JSON can't tell from 0. */
function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits + 0;
}
