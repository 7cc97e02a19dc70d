/** What a phone knows of its own movement, as telemetry. */
import type { VssValues } from '../../shared/vss.ts';

/** Standard gravity is not subtracted here: `acceleration` comes without it. */
export interface Motion {
  acceleration: Axes | null;
  /** °/s about each axis of the device: alpha about z, beta about x, gamma about y. */
  rotationRate: { alpha: number | null; beta: number | null; gamma: number | null } | null;
}

interface Axes {
  x: number | null;
  y: number | null;
  z: number | null;
}

/**
 * For a device that is mounted upright with its back camera looking ahead. The device's axes (x to
 * the right and y to the top of the screen in its natural orientation, z out of the screen) become
 * those of ISO 8855, which VSS uses: x ahead, y left, z up.
 * @param angle of the screen, `screen.orientation.angle`: how far the device is turned to the left
 */
export function motionValues({ acceleration, rotationRate }: Motion, angle: number): VssValues {
  const values: VssValues = {};
  const { x, y, z } = acceleration ?? { x: null, y: null, z: null };
  const quarter = (((angle / 90) % 4) + 4) % 4;
  const left = [negative(x), y, x, negative(y)][quarter];
  const turning =
    rotationRate &&
    [rotationRate.gamma, rotationRate.beta, negative(rotationRate.gamma), negative(rotationRate.beta)][
      quarter
    ];
  if (z !== null) values['Vehicle.Acceleration.Longitudinal'] = rounded(-z, 2);
  if (typeof left === 'number') values['Vehicle.Acceleration.Lateral'] = rounded(left, 2);
  if (typeof turning === 'number') values['Vehicle.AngularVelocity.Yaw'] = rounded(turning, 1);
  return values;
}

export type Coordinates = Pick<
  GeolocationCoordinates,
  'latitude' | 'longitude' | 'accuracy' | 'heading' | 'speed'
>;

export function positionValues({ latitude, longitude, accuracy, heading, speed }: Coordinates): VssValues {
  const values: VssValues = {
    'Vehicle.CurrentLocation.Latitude': rounded(latitude, 7),
    'Vehicle.CurrentLocation.Longitude': rounded(longitude, 7),
    'Vehicle.CurrentLocation.HorizontalAccuracy': rounded(accuracy, 1),
    'Vehicle.Speed': rounded((speed ?? 0) * 3.6, 1),
  };
  // NaN for a device that stands still.
  if (heading !== null && Number.isFinite(heading)) {
    values['Vehicle.CurrentLocation.Heading'] = rounded(heading, 1);
  }
  return values;
}

export interface Sensors {
  values(): VssValues;
  close(): void;
}

/** Asks for what needs to be asked for; call it from a click, as iOS wants it. What isn't there is left out. */
export function createSensors(): Sensors {
  let position: VssValues = {};
  let motion: VssValues = {};
  let battery: VssValues = {};
  const watch = navigator.geolocation?.watchPosition(
    ({ coords }) => {
      position = positionValues(coords);
    },
    () => {
      position = {};
    },
    { enableHighAccuracy: true },
  );
  const onMotion = (event: DeviceMotionEvent) => {
    motion = motionValues(event, screen.orientation?.angle ?? 0);
  };
  let closed = false;
  void allowMotion().then((allowed) => {
    if (allowed && !closed) addEventListener('devicemotion', onMotion);
  });
  const unwatchBattery = watchBattery((percent) => {
    battery = { 'Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed': percent };
  });
  return {
    values: () => ({ ...position, ...motion, ...battery }),
    close() {
      closed = true;
      if (watch !== undefined) navigator.geolocation.clearWatch(watch);
      removeEventListener('devicemotion', onMotion);
      unwatchBattery();
    },
  };
}

/** iOS asks the owner; others don't have the question. */
async function allowMotion(): Promise<boolean> {
  if (typeof DeviceMotionEvent === 'undefined') return false;
  const { requestPermission } = DeviceMotionEvent as { requestPermission?: () => Promise<string> };
  if (!requestPermission) return true;
  return requestPermission.call(DeviceMotionEvent).then(
    (answer) => answer === 'granted',
    () => false,
  );
}

interface BatteryManager extends EventTarget {
  /** 0…1 */
  level: number;
}

/** Chromium only. The phone is the car, so its battery is the car's. Returns the undo. */
function watchBattery(onPercent: (percent: number) => void): () => void {
  let undo = () => {};
  let closed = false;
  const { getBattery } = navigator as { getBattery?: () => Promise<BatteryManager> };
  void getBattery?.call(navigator).then(
    (battery) => {
      if (closed) return;
      const read = () => onPercent(Math.round(battery.level * 100));
      read();
      battery.addEventListener('levelchange', read);
      undo = () => battery.removeEventListener('levelchange', read);
    },
    () => {},
  );
  return () => {
    closed = true;
    undo();
  };
}

const negative = (value: number | null) => (value === null ? null : -value);

/** Never −0, which JSON can't tell from 0. */
function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits + 0;
}
