import { expect, onTestFinished, test } from 'vitest';
import type { Actuation } from '../../shared/safety.ts';
import { VSS } from '../../shared/vss.ts';
import { createSimulatedDriver } from '../../vehicle/simulated/driver.ts';
import { readPose } from '../../vehicle/simulated/pose.ts';
import { ORIGIN, START, toLatLon } from '../../vehicle/simulated/world.ts';

function setUp() {
  const time = { now: 1000 };
  const driver = createSimulatedDriver({ clock: () => time.now });
  onTestFinished(() => driver.close());
  /** Renews an actuation for a while, as an agent does. */
  const hold = (actuation: Actuation, ms: number) => {
    for (let passed = 0; passed < ms; passed += 20) {
      driver.apply(actuation, HOLD);
      time.now += 20;
    }
  };
  return { time, driver, hold };
}

const HOLD = { releaseIn: 150, brakeIn: 500 };
const LONG = { releaseIn: 1e9, brakeIn: 1e9 };
const FORWARD: Actuation = { steer: 0.2, throttle: 0.6, brake: 0, gear: 'D' };

test('stands with full brake in neutral until the first actuation', () => {
  const { time, driver } = setUp();
  time.now += 5000;
  expect(driver.motion()).toMatchObject({ speed: 0, throttle: 0, brake: 1, gear: 'N' });
});

test('moves by the clock, not by how often it is asked', () => {
  const often = setUp();
  const once = setUp();
  often.driver.apply(FORWARD, LONG);
  once.driver.apply(FORWARD, LONG);
  for (let n = 0; n < 700; n++) {
    often.time.now += 7.3;
    often.driver.motion();
  }
  once.time.now += 7.3 * 700;
  expect(once.driver.motion()).toEqual(often.driver.motion());
});

test('what passed before an actuation belongs to the one before', () => {
  const { time, driver } = setUp();
  driver.apply(FORWARD, LONG);
  time.now += 400;
  driver.apply({ ...FORWARD, throttle: 0, brake: 1 }, HOLD);
  expect(driver.motion().speed).toBeGreaterThan(0.4);
});

test('releases the throttle and brakes by itself at their times, also when nothing could run meanwhile', () => {
  const { time, driver, hold } = setUp();
  hold({ ...FORWARD, throttle: 1 }, 3000);
  const { speed } = driver.motion();
  expect(speed).toBeGreaterThan(6);
  driver.apply({ ...FORWARD, throttle: 1 }, HOLD);
  time.now += HOLD.releaseIn - 1;
  expect(driver.motion()).toMatchObject({ throttle: 1, brake: 0 });
  time.now += 1;
  expect(driver.motion()).toMatchObject({ throttle: 0, brake: 0 });
  time.now += HOLD.brakeIn - HOLD.releaseIn;
  expect(driver.motion()).toMatchObject({ throttle: 0, brake: 1 });
  time.now += 3000;
  expect(driver.motion().speed).toBe(0);
});

test('writes the pose for the camera', () => {
  const { driver, hold } = setUp();
  expect(readPose(driver.pose)).toMatchObject(START);
  hold({ ...FORWARD, steer: 0 }, 3000);
  const { speed } = driver.motion();
  const pose = readPose(driver.pose);
  expect(pose.x).toBeGreaterThan(START.x + 3);
  expect(pose.y).toBeCloseTo(START.y, 0);
  expect(pose.speed).toBe(speed);
});

test('tells what it does in the names and units of VSS', () => {
  const { driver, hold } = setUp();
  hold({ steer: 1, throttle: 0.5, brake: 0.1, gear: 'D' }, 4000);
  const { speed, values } = driver.motion();
  expect(Object.keys(values).sort()).toEqual(Object.keys(VSS).sort());
  expect(values['Vehicle.Speed']).toBeCloseTo(speed * 3.6, 1);
  expect(values['Vehicle.Chassis.SteeringWheel.Angle']).toBe(540);
  expect(values['Vehicle.Chassis.Accelerator.PedalPosition']).toBe(50);
  expect(values['Vehicle.Chassis.Brake.PedalPosition']).toBe(10);
  expect(values['Vehicle.Powertrain.Transmission.CurrentGear']).toBe(1);
  expect(values['Vehicle.AngularVelocity.Yaw']).toBeGreaterThan(0);
  expect(values['Vehicle.Acceleration.Lateral']).toBeGreaterThan(0);
  expect(values['Vehicle.TraveledDistance']).toBeGreaterThan(0);
});

test('faces east at first, and a left turn takes the compass down', () => {
  const { driver, hold } = setUp();
  const compass = () => driver.motion().values['Vehicle.CurrentLocation.Heading'] ?? Number.NaN;
  const atFirst = compass();
  expect(Math.abs(atFirst - 90)).toBeLessThan(3);
  hold({ ...FORWARD, steer: 0.5 }, 2000);
  expect(compass()).toBeLessThan(atFirst - 5);
  for (let n = 0; n < 100; n++) {
    hold({ ...FORWARD, steer: 1, throttle: 0.3 }, 100);
    expect(compass()).toBeGreaterThanOrEqual(0);
    expect(compass()).toBeLessThan(360);
  }
});

test('a number that is none stops the car', () => {
  const { time, driver, hold } = setUp();
  hold(FORWARD, 3000);
  driver.apply({ ...FORWARD, throttle: Number.NaN }, HOLD);
  expect(driver.motion()).toMatchObject({ throttle: 0, brake: 1 });
  time.now += 3000;
  expect(driver.motion().speed).toBe(0);
});

test('metres become degrees at the origin', () => {
  const north = toLatLon(0, 100);
  const east = toLatLon(100, 0);
  expect(toLatLon(0, 0)).toEqual(ORIGIN);
  // 100 m are 100 / 6,371,000 rad on a sphere; the ellipsoid differs by less than 1 %.
  const degrees = ((100 / 6_371_000) * 180) / Math.PI;
  expect((north.latitude - ORIGIN.latitude) / degrees).toBeCloseTo(1, 1);
  const wider = degrees / Math.cos((ORIGIN.latitude * Math.PI) / 180);
  expect((east.longitude - ORIGIN.longitude) / wider).toBeCloseTo(1, 1);
});
