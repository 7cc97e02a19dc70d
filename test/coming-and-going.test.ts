/** Processes that start, stop, die and come back: what is left on the broker, and what the others see. */
import { expect, test } from 'vitest';
import type { VehicleState } from '../shared/channels.ts';
import { buildMessage } from '../shared/messages.ts';
import { usage } from './bench/product.ts';
import { spawnCli } from './helpers/cli.ts';
import { connectMqtt, retainedMessages } from './helpers/mqtt-clients.ts';
import { spawnOperator } from './helpers/operator-process.ts';
import { type Heard, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

const vehicle = (broker: string) =>
  spawnCli(['vehicle', '--room', 'car1', '--broker', broker, '--ice-servers', '[]', '--log-level', 'warn']);

async function connectedOperator(broker: string) {
  const operator = testOperator(broker);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  return operator;
}

test('a vehicle that is stopped says goodbye, is offline, and leaves nothing else behind', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  const car = vehicle(mqttUrl);
  const operator = await connectedOperator(mqttUrl);
  car.kill('SIGTERM');
  const bye = await ears.message(
    'the goodbye',
    ({ topic }) => topic === `rooms/car1/bye/car1/${operator.id}`,
  );
  expect(JSON.parse(bye.text)).toMatchObject({ reason: 'left' });
  await operator.until('offline', ({ vehicle, offer }) => vehicle?.state === 'offline' && offer === null);
  expect(await car.ended).toMatchObject({ status: 0 });
  const left = await retainedMessages(mqttUrl);
  expect(Object.keys(left).sort()).toEqual([
    'rooms/car1/peers/car1',
    `rooms/car1/peers/${operator.id}`,
    'rooms/car1/telemetry',
  ]);
});

test('a vehicle that is killed is lost, what it had retained is cleared, and a new one takes its place', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  const car = vehicle(mqttUrl);
  const operator = await connectedOperator(mqttUrl);
  operator.request();
  await operator.until('the lease', ({ lease }) => lease?.holder === operator.id);
  const epoch = operator.view.vehicle?.epoch ?? 0;
  car.kill('SIGKILL');
  await operator.until('lost', ({ vehicle, lease }) => vehicle?.state === 'lost' && lease === null);
  for (const kind of ['offer', 'lease', 'safety']) {
    await ears.message(`${kind} cleared`, ({ topic, text }) => topic === `rooms/car1/${kind}` && text === '');
  }
  await operator.until('the session is over', ({ link }) => link.phase !== 'connected');

  vehicle(mqttUrl);
  await operator.until(
    'connected to the new run',
    (view) => view.link.phase === 'connected' && (view.vehicle?.epoch ?? 0) > epoch,
  );
  const { packets } = operator.received;
  await operator.until('video', () => operator.received.packets > packets + 30);
});

test('an operator that is killed at full throttle: the car stops, the wheel is free, nothing of it is left', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  vehicle(mqttUrl);
  const stays = await connectedOperator(mqttUrl);
  const goes = await spawnOperator(mqttUrl, 'op-goes');
  await stays.until(
    'it is driven',
    (view, state) => view.lease?.holder === 'op-goes' && (state?.speed ?? 0) > 1,
  );
  goes.kill('SIGKILL');
  await stays.until('it stands', (_, state) => state?.speed === 0 && state.brake === 1);
  await stays.until('nobody drives', ({ lease }) => lease?.holder === null);
  await stays.until('one operator', ({ operators }) => Object.keys(operators).length === 1);
  await stays.until('one session', ({ offer }) => offer?.sessions.length === 1);
  await ears.message('the will', ({ topic, text }) => topic === 'rooms/car1/peers/op-goes' && text === '');
  expect(stays.view.offer).toMatchObject({ phase: 'connected', sessions: [{ peer: stays.id }] });
});

test('a page that is gone without a word is not called a failure of the network', async () => {
  const { mqttUrl } = await testServer();
  const car = vehicle(mqttUrl);
  const operator = await connectedOperator(mqttUrl);
  const { link } = operator.view;
  const session = 'session' in link ? link.session : '';
  operator.hangUp();
  await operator.until(
    'the session is over at the vehicle',
    ({ offer }) => offer?.sessions.every((one) => one.session !== session) ?? false,
  );
  expect(car.stdout() + car.stderr()).not.toContain('verdict');
});

test('an operator that stops at full throttle without dying: the car stops by itself', async () => {
  const { mqttUrl } = await testServer();
  vehicle(mqttUrl);
  const stays = await connectedOperator(mqttUrl);
  const freezes = await spawnOperator(mqttUrl, 'op-freezes');
  await stays.until('it is driven', (_, state) => (state?.speed ?? 0) > 1);
  freezes.kill('SIGSTOP');
  await stays.until('the throttle is released', (_, state) => state?.throttle === 0);
  await stays.until('it stands', (_, state) => state?.speed === 0 && state.safety === 'stopped');
});

test('commands that waited while the agent stood still move nothing when it goes on', async () => {
  const { mqttUrl } = await testServer();
  const car = vehicle(mqttUrl);
  const operator = await connectedOperator(mqttUrl);
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  const full = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;
  const letGo = operator.drive(full);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 4);
  car.kill('SIGSTOP');
  const before = operator.lastState();
  // Commands of more than a second pile up.
  for (let i = 0; i < 60; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  letGo();
  const states: VehicleState[] = [];
  operator.onEveryState((state) => states.push(state));
  car.kill('SIGCONT');
  await operator.until('it stands', (_, state) => state?.speed === 0 && state.brake === 1);
  expect(states.filter(({ throttle }) => throttle > 0)).toEqual([]);
  expect(Math.max(...states.map(({ speed }) => speed))).toBeLessThan((before?.speed ?? 0) + 2);
});

test('nothing is filmed and encoded while nobody watches', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  const car = vehicle(mqttUrl);
  const telemetry = () => ears.heard.filter(({ topic }) => topic.endsWith('/telemetry')).length;
  /** Processor time of the agent in two seconds, by its own telemetry's count of them. */
  async function busy(): Promise<number> {
    const [count, before] = [telemetry(), await usage(car.pid)];
    await ears.message('two seconds of telemetry', () => telemetry() >= count + 20);
    return (await usage(car.pid)).cpuSeconds - before.cpuSeconds;
  }
  const operator = await connectedOperator(mqttUrl);
  await operator.until('video', () => operator.received.packets > 10);
  const watched = await busy();
  const heard = ears.heard.length;
  await operator.close();
  const waiting = ({ topic, text }: Heard) => topic.endsWith('/offer') && text.includes('"waiting"');
  await ears.message('no session', waiting, heard);
  expect(await busy()).toBeLessThan(watched / 2);
});

test('what an operator says under the car’s id neither ends the car nor stays', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  const now = Date.now();
  const forged = { v: 1, ts: now, state: 'online', role: 'operator', epoch: now + 1_000, since: now };
  const forge = () =>
    ears.client.publishAsync('rooms/car1/peers/car1', JSON.stringify(forged), { qos: 1, retain: true });
  await forge();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  await forge();
  const from = ears.heard.length;
  const isOwn = ({ topic, text }: Heard) => topic.endsWith('/peers/car1') && text.includes('prepares');
  await ears.message('its own again', isOwn, from);
  expect(operator.view.link.phase).toBe('connected');
});

test('ICE candidates by the thousand, in the name of somebody who watches, take the car from nobody', async () => {
  const { mqttUrl } = await testServer();
  vehicle(mqttUrl);
  const driver = await connectedOperator(mqttUrl);
  driver.request();
  await driver.until('granted', ({ claim }) => claim.state === 'held');
  driver.drive({ steer: 0, throttle: 0.3, brake: 0, gear: 'D' });
  await driver.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
  const watcher = await connectedOperator(mqttUrl);
  const { link } = watcher.view;
  const session = 'session' in link ? link.session : '';
  const flood = await connectMqtt(mqttUrl);
  const candidate = (n: number) => ({
    candidate: `candidate:${n} 1 udp 2113937151 127.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255} 9 typ host`,
    sdpMid: '0',
    sdpMLineIndex: 0,
  });
  const states: string[] = [];
  driver.onEveryState(({ safety }) => states.push(safety));
  for (let message = 0; message < 30; message++) {
    const candidates = Array.from({ length: 200 }, (_, n) => candidate(1 + message * 200 + n));
    const payload = buildMessage('ice', { session, candidates, done: false }, Date.now());
    await flood.publishAsync(`rooms/car1/ice/${watcher.id}/car1`, payload, { qos: 1 });
  }
  await driver.until('it is driven on', () => states.length > 150);
  expect(states).not.toContain('stopped');
  expect(driver.view.claim.state).toBe('held');
});
