/** The emergency stop, and what a vehicle asks of whoever it has stopped by itself: real broker, real agent. */
import { expect, test } from 'vitest';
import { retainedMessages } from './helpers/mqtt-clients.ts';
import { type TestOperator, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

const NEUTRAL = { steer: 0, throttle: 0, brake: 0, gear: 'D' } as const;
const FULL = { ...NEUTRAL, throttle: 1 } as const;

async function connected(url: string): Promise<TestOperator> {
  const operator = testOperator(url);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  return operator;
}

/** Drives at full throttle, until called back. */
async function driving(operator: TestOperator): Promise<() => void> {
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  const letGo = operator.drive(FULL);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 2);
  return letGo;
}

/** Drives on as hands do that let go first. */
async function drivesOn(operator: TestOperator): Promise<void> {
  const rest = operator.drive(NEUTRAL);
  await operator.until('armed', (_, state) => state?.safety === 'driving');
  rest();
  operator.drive(FULL);
  await operator.until('it moves again', (_, state) => (state?.speed ?? 0) > 1);
}

test('a spectator stops the car, which heeds nobody until it stands and is reset, and drives on after a release', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const [driver, spectator] = [await connected(mqttUrl), await connected(mqttUrl)];
  const letGo = await driving(driver);
  spectator.estop('a dog');
  await driver.until('it brakes', (_, state) => state?.safety === 'estopped' && state.brake === 1);
  await driver.until('and says why', ({ safety }) => safety?.reason === `by ${spectator.id}: a dog`);
  // Again and again, while it still moves: neither harm nor use.
  expect(driver.lastState()?.speed).toBeGreaterThan(0.1);
  driver.reset();
  driver.estop();
  await driver.until('it stands', (_, state) => state?.speed === 0);
  expect(driver.lastState()?.safety).toBe('estopped');
  expect(driver.view).toMatchObject({
    claim: { state: 'held' },
    safety: { reason: `by ${spectator.id}: a dog` },
  });

  driver.reset();
  await driver.until('the stop is over', (_, state) => state?.safety !== 'estopped');
  // The throttle is held down all the time.
  const moved: number[] = [];
  driver.onEveryState(({ speed }) => moved.push(speed));
  await driver.until('a while', () => moved.length > 25);
  expect(Math.max(...moved)).toBe(0);
  letGo();
  await drivesOn(driver);
});

test.each([
  ['a sentence', 'people on the road', 'by somebody over MQTT: people on the road'],
  ['nothing at all', '', 'by somebody over MQTT'],
  ['JSON of another kind', '{"v":1,"stop":true}', 'by somebody over MQTT'],
  ['bytes', '\u0000\u0001\ufffd', 'by somebody over MQTT'],
])('whatever is published as estop stops the car: %s', async (_name, payload, reason) => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const ears = await testListener(mqttUrl);
  const driver = await connected(mqttUrl);
  await driving(driver);
  await ears.client.publishAsync('rooms/car1/estop', payload, { qos: 1 });
  await driver.until('it stands', (_, state) => state?.safety === 'estopped' && state.speed === 0);
  expect(JSON.parse((await retainedMessages(mqttUrl))['rooms/car1/safety'] ?? '{}')).toMatchObject({
    state: 'estopped',
    reason,
  });
});

test('a driver who is back after half a second finds another lease, and drives on after a release only', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const driver = await connected(mqttUrl);
  let letGo = await driving(driver);
  const before = driver.view.claim;
  letGo();
  await driver.until('it stands', (_, state) => state?.safety === 'stopped' && state.speed === 0);
  await driver.until('another lease', ({ claim }) => claim.state === 'held' && claim !== before);
  const moved: number[] = [];
  driver.onEveryState(({ speed }) => moved.push(speed));
  letGo = driver.hold(FULL);
  await driver.until('a while', () => moved.length > 40);
  letGo();
  // One that was under way all the time.
  const lease = before.state === 'held' ? before.lease : 0;
  const old = { ...NEUTRAL, seq: 1_000_000, t: Date.now(), lease };
  driver.sendOn('control', JSON.stringify(old));
  await driver.until('it has come', (_, state) => state?.echo === old.t);
  expect(driver.lastState()?.safety).toBe('stopped');
  expect(Math.max(...moved)).toBe(0);
});

test('who drives on after a stop lets it come to a stand first, whatever is sent meanwhile', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const driver = await connected(mqttUrl);
  const letGo = await driving(driver);
  await driver.until('fast', (_, state) => (state?.speed ?? 0) > 6);
  letGo();
  await driver.until('stopped', (_, state) => state?.safety === 'stopped');
  const seen: { speed: number; brake: number; safety: string }[] = [];
  driver.onEveryState((state) => seen.push(state));
  const rest = driver.hold(NEUTRAL);
  await driver.until('it drives again', (_, state) => state?.safety === 'driving');
  rest();
  const rolling = seen.filter(({ speed }) => speed > 0.1);
  expect(rolling.length).toBeGreaterThan(5);
  expect(new Set(rolling.map(({ safety, brake }) => `${safety} ${brake}`))).toEqual(new Set(['stopped 1']));
});

test('commands of an operator whose clock is not known move nothing', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const driver = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { clockless: true });
  await driver.until('connected', ({ link }) => link.phase === 'connected');
  driver.request();
  await driver.until('granted', ({ claim }) => claim.state === 'held');
  driver.hold(FULL);
  const speeds: number[] = [];
  driver.onEveryState(({ speed }) => speeds.push(speed));
  await driver.until('a while', () => speeds.length > 60);
  expect(Math.max(...speeds)).toBe(0);
});

test('what only claims to be newer makes no real command old', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const driver = await connected(mqttUrl);
  await driving(driver);
  const forged = { ...NEUTRAL, brake: 1, seq: 1_000_000, lease: 77 };
  driver.sendOn('control', JSON.stringify({ ...forged, t: Date.now() }));
  driver.sendOn('control', JSON.stringify({ ...forged, lease: 1, t: Date.now() + 10_000 }));
  const states: string[] = [];
  driver.onEveryState(({ safety, brake }) => states.push(`${safety} ${brake}`));
  await driver.until('a while', () => states.length > 100);
  expect(states.slice(-20)).toEqual(Array.from({ length: 20 }, () => 'driving 0'));
});

test('the same, after a release', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const driver = await connected(mqttUrl);
  const letGo = await driving(driver);
  letGo();
  await driver.until('it stands', (_, state) => state?.safety === 'stopped' && state.speed === 0);
  await drivesOn(driver);
});
