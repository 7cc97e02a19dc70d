/** The wheel goes from hand to hand: real broker, real agent. */
import { expect, test } from 'vitest';
import { retainedMessages } from './helpers/mqtt-clients.ts';
import { type TestOperator, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

const NEUTRAL = { steer: 0, throttle: 0, brake: 0, gear: 'D' } as const;
const FULL = { ...NEUTRAL, throttle: 1 } as const;

async function room() {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const ears = await testListener(mqttUrl, 'rooms/car1/lease');
  const [driver, other] = [testOperator(mqttUrl), testOperator(mqttUrl)];
  for (const one of [driver, other]) await one.until('connected', ({ link }) => link.phase === 'connected');
  driver.request();
  await driver.until('granted', ({ claim }) => claim.state === 'held');
  const letGo = driver.hold(FULL);
  await driver.until('it moves', (_, state) => (state?.speed ?? 0) > 3);
  return { mqttUrl, ears, driver, other, letGo };
}

/** Speeds at which the lease has been somebody else's, while `act` goes on. */
async function speedsOf(other: TestOperator, act: () => Promise<void>): Promise<number[]> {
  const speeds: number[] = [];
  other.onEveryState(({ speed }) => other.view.claim.state === 'held' && speeds.push(speed));
  await act();
  return speeds;
}

test('who asks for a hand-over gets the wheel of a car that stands, and moves nothing before a release of the throttle', async () => {
  const { mqttUrl, ears, driver, other } = await room();
  const speeds = await speedsOf(other, async () => {
    other.request('handover');
    await driver.until('it is asked', ({ askedBy }) => askedBy === other.id);
    await ears.message('who asks, for everyone', ({ text }) => text.includes(`"asking":"${other.id}"`));
    expect(other.view.claim).toEqual({ state: 'asked', waits: `${driver.id} is asked to hand over` });
    // A hand that is on the throttle already.
    other.hold(FULL);
    driver.handOver();
    await driver.until('it is not the driver’s any more', ({ claim }) => claim.state === 'revoked');
    await ears.message('who gets it, for everyone', ({ text }) => text.includes(`"next":"${other.id}"`));
    await other.until('granted', ({ claim }) => claim.state === 'held');
    const seen: number[] = [];
    other.onEveryState(({ speed }) => seen.push(speed));
    await other.until('a while', () => seen.length > 40);
  });
  // It stood before it changed hands, and stays: both hold their throttles down.
  expect(Math.max(...speeds)).toBeLessThan(0.1);
  expect(driver.view.claim).toEqual({ state: 'revoked', reason: `handed over to ${other.id}` });
  expect(JSON.parse((await retainedMessages(mqttUrl))['rooms/car1/lease'] ?? '{}')).toMatchObject({
    holder: other.id,
  });
  const rest = other.hold(NEUTRAL);
  await other.until('armed', (_, state) => state?.safety === 'driving');
  rest();
  await other.until('and then it moves', (_, state) => (state?.speed ?? 0) > 1);
});

test('the holder keeps the wheel when it says so; the car drives on all the while', async () => {
  const { driver, other } = await room();
  other.request('handover');
  await driver.until('it is asked', ({ askedBy }) => askedBy === other.id);
  driver.decline();
  await other.until('denied', ({ claim }) => claim.state === 'denied');
  expect(other.view.claim).toMatchObject({ reason: `${driver.id} keeps the wheel` });
  expect(driver.view).toMatchObject({ askedBy: null, claim: { state: 'held' } });
  expect(driver.lastState()).toMatchObject({ safety: 'driving', brake: 0 });
});

test('only a supervisor takes the wheel from others; the car stops for that', async () => {
  const { driver, other } = await room();
  other.request('takeover');
  await other.until('denied', ({ claim }) => claim.state === 'denied');
  expect(other.view.claim).toMatchObject({ reason: 'only a supervisor may take the wheel from others' });
  expect(driver.view.claim.state).toBe('held');

  other.supervise(true);
  await driver.until('everyone sees it', ({ operators }) => operators[other.id]?.supervises === true);
  const speeds = await speedsOf(other, async () => {
    other.request('takeover');
    await driver.until('taken', ({ claim }) => claim.state === 'revoked');
    await other.until('granted', ({ claim }) => claim.state === 'held');
  });
  expect(Math.max(0, ...speeds)).toBeLessThan(0.1);
  expect(driver.view.claim).toEqual({ state: 'revoked', reason: `${other.id} has taken over` });
});

test('a driver who is gone while the car moves is followed by the next when it stands', async () => {
  const { driver, other, letGo } = await room();
  letGo();
  const speeds = await speedsOf(other, async () => {
    driver.hangUp();
    await other.until('nobody drives', ({ lease }) => lease?.holder === null);
    other.request();
    await other.until('granted', ({ claim }) => claim.state === 'held');
  });
  expect(Math.max(0, ...speeds)).toBeLessThan(0.1);
});
