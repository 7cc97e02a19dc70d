/** How late the driver is, and what the car makes of it: real broker, real agent. */
import { expect, test } from 'vitest';
import { testOperator, testServer, testVehicle } from './helpers/room.ts';

const FULL = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;

/** A driver at full throttle whose pictures are so old, ms. */
async function driving(video: number) {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl, { speed: { maxSpeed: 8, ceilingMs: 1_000 } });
  const driver = testOperator(mqttUrl);
  await driver.until('connected, and the car’s own limit', ({ limits }) => limits?.maxSpeed === 8);
  driver.request();
  await driver.until('granted', ({ claim }) => claim.state === 'held');
  return { driver, letGo: driver.drive({ ...FULL, video }) };
}

test('pictures that are 380 ms late make the car slower, and say why; in time again it goes on at its own pace', async () => {
  const { driver, letGo } = await driving(380);
  await driver.until('limited', ({ limits }) => limits?.reason !== undefined);
  expect(driver.view.limits?.reason).toMatch(/^picture and command are \d+ ms late$/);
  const { maxSpeed } = driver.view.limits ?? { maxSpeed: 0 };
  // v · 0.2 s / t; a command takes some ms too.
  expect(maxSpeed).toBeGreaterThan(3);
  expect(maxSpeed).toBeLessThanOrEqual((8 * 200) / 380);
  await driver.until('as fast as that', (_, state) => (state?.speed ?? 0) > 2.5);
  expect(driver.lastState()?.safety).toBe('degraded');
  await driver.until(
    'for everyone',
    ({ safety }) => safety?.state === 'degraded' && safety.reason !== undefined,
  );
  const speeds: number[] = [];
  driver.onEveryState(({ speed }) => speeds.push(speed));
  await driver.until('a while', () => speeds.length > 100);
  expect(Math.max(...speeds)).toBeLessThan((8 * 200) / 380);
  letGo();
  driver.drive({ ...FULL, video: 40 });
  await driver.until('its own again', ({ limits }) => limits?.maxSpeed === 8 && limits.reason === undefined);
  await driver.until('faster than before', (_, state) => (state?.speed ?? 0) > 5);
});

test('a car that drives faster than a new limit brakes down to it, and above the ceiling stops until armed again', async () => {
  const { driver, letGo } = await driving(40);
  await driver.until('fast', (_, state) => (state?.speed ?? 0) > 6.5);
  letGo();
  const late = driver.hold({ ...FULL, video: 600 });
  await driver.until('braking', (_, state) => (state?.brake ?? 0) > 0 && state?.safety === 'degraded');
  await driver.until('slow', (_, state) => (state?.speed ?? 9) < 3 && (state?.speed ?? 0) > 1);
  late();
  const tooLate = driver.hold({ ...FULL, video: 2_000 });
  await driver.until('stopped', (_, state) => state?.safety === 'stopped' && state.speed === 0);
  expect(driver.view.limits).toMatchObject({ maxSpeed: 0 });
  expect(driver.view.safety?.reason).toMatch(/ms late, more than 1000$/);
  tooLate();
  // In time again, and the throttle was never released.
  const held = driver.hold({ ...FULL, video: 40 });
  const speeds: number[] = [];
  driver.onEveryState(({ speed }) => speeds.push(speed));
  await driver.until('a while', () => speeds.length > 50);
  expect(Math.max(...speeds)).toBe(0);
  held();
  driver.drive({ ...FULL, video: 40 });
  await driver.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
});

test('the next driver begins without the limit of the last', async () => {
  const { driver } = await driving(380);
  await driver.until('limited', ({ limits }) => limits?.reason !== undefined);
  driver.release();
  await driver.until('its own again', ({ limits }) => limits?.reason === undefined);
});
