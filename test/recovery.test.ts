/** Sessions whose path, whose broker, or both, go and come back, with real parts on one machine. */
import { expect, test } from 'vitest';
import { attemptOf, isLive } from '../shared/negotiation.ts';
import type { OperatorEnd } from '../shared/operator-end.ts';
import { deadLine } from './helpers/line.ts';
import { type TestOperator, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

const AHEAD = { steer: 0, throttle: 0.4, brake: 0, gear: 'D' } as const;

async function driving(operator: TestOperator): Promise<string> {
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  operator.drive(AHEAD);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
  return sessionOf(operator);
}

const sessionOf = ({ view: { link } }: OperatorEnd) => (isLive(link) ? link.session : '');

test('a path that carries nothing for a while: the car stops, the wheel is kept, another connection takes over', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const watching = testOperator(mqttUrl);
  const operator = testOperator(mqttUrl);
  const session = await driving(operator);
  operator.mute(true);
  await operator.until('the silence is noticed', ({ link }) => link.phase === 'restoring');
  await watching.until('the car stands', (_, state) => state?.speed === 0 && state.safety === 'stopped');
  expect(operator.command(AHEAD)).toBe(false);
  await operator.until('another one is made', ({ link }) => attemptOf(link) !== null);
  operator.mute(false);
  await operator.until('taken over', ({ link }) => link.phase === 'connected' && link.session > session);
  expect(operator.view).toMatchObject({ claim: { state: 'held' } });
  await operator.until('it moves again', (_, state) => (state?.speed ?? 0) > 1);
  const { packets } = operator.received;
  await operator.until('more video', () => operator.received.packets > packets + 30);
});

test('another connection that is needless does no harm, and nothing is interrupted', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  const session = await driving(operator);
  const ears = await testListener(mqttUrl);
  const phases = new Set<string>();
  operator.onEveryState(() => phases.add(operator.view.link.phase));
  const ask = { v: 1, ts: Date.now(), session, seq: 1, type: 'restart' };
  await ears.client.publishAsync(`rooms/car1/sdp/${operator.id}/car1`, JSON.stringify(ask), { qos: 1 });
  await operator.until('taken over', ({ link }) => isLive(link) && link.session > session);
  const { packets } = operator.received;
  await operator.until('more video', () => operator.received.packets > packets + 100);
  expect(operator.view).toMatchObject({ link: { phase: 'connected' }, claim: { state: 'held' } });
  expect([...phases]).toEqual(['connected']);
  await operator.until('driven on', (_, state) => state?.safety === 'driving');
});

test('a path that stays silent, as the next one does: connections are made until one carries, and the driver has the wheel', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  const session = await driving(operator);
  operator.mute(true);
  await operator.until('another one is made', ({ link }) => attemptOf(link) !== null);
  await operator.until(
    'it can not be used either',
    ({ link }) => link.phase === 'restoring' && link.tries > 5,
  );
  operator.mute(false);
  await operator.until('connected', ({ link }) => link.phase === 'connected' && link.session > session);
  await operator.until('held', ({ claim }) => claim.state === 'held');
  const { packets } = operator.received;
  await operator.until('video', () => operator.received.packets > packets + 30);
});

test('the broker is started anew without the vehicle: whoever waits for it reads that it is not there', async () => {
  const server = await testServer();
  const [port, mqttPort] = [server.webUrl, server.mqttUrl].map((url) => Number(new URL(url).port));
  const vehicle = await testVehicle(server.mqttUrl);
  const operator = testOperator(server.mqttUrl);
  await driving(operator);
  await server.close();
  operator.mute(true);
  await vehicle.close();
  await testServer({ port, mqttPort });
  await operator.until('no vehicle', (view) => view.broker.state === 'connected' && view.vehicle === null);
  await operator.until('no session', ({ link }) => link.phase === 'waiting');
});

test('who has asked for the wheel and lost the session before the answer gets it in the next one', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const session = sessionOf(operator);
  operator.mute(true);
  operator.request();
  expect(operator.view.claim.state).toBe('asked');
  await operator.until('another one is made', ({ link }) => attemptOf(link) !== null);
  operator.mute(false);
  await operator.until('taken over', ({ link }) => isLive(link) && link.session > session);
  await operator.until('granted', ({ claim }) => claim.state === 'held');
});

test('with the path its line to the broker goes dead: it finds out, comes back as the same, and the session too', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const line = await deadLine(mqttUrl);
  const operator = testOperator(line.url);
  const session = await driving(operator);
  const { epoch } = operator.view.operators[operator.id] ?? {};
  const ears = await testListener(mqttUrl, `rooms/car1/peers/${operator.id}`);
  line.die();
  operator.mute(true);
  await operator.until('another line', ({ broker }) => broker.state === 'connected' && line.opened() === 2);
  await operator.until('another one over it', ({ link }) => attemptOf(link) !== null);
  operator.mute(false);
  await operator.until('back', ({ link }) => link.phase === 'connected' && link.session > session);
  expect(operator.view).toMatchObject({ claim: { state: 'held' } });
  await ears.message('announced as the same', ({ text }) => JSON.parse(text || '{}').epoch === epoch, 1);
});

test('the broker goes, then the path, then both come back: the wheel is kept', async () => {
  const server = await testServer();
  const [port, mqttPort] = [server.webUrl, server.mqttUrl].map((url) => Number(new URL(url).port));
  await testVehicle(server.mqttUrl);
  const operator = testOperator(server.mqttUrl);
  const session = await driving(operator);
  const epoch = operator.view.vehicle?.epoch;
  await server.close();
  await operator.until('no broker', ({ broker }) => broker.state === 'offline');
  operator.mute(true);
  await operator.until('no path', ({ link }) => link.phase === 'restoring');
  await testServer({ port: port ?? 0, mqttPort: mqttPort ?? 0 });
  await operator.until('another one is made', ({ link }) => attemptOf(link) !== null);
  operator.mute(false);
  await operator.until('back', ({ link }) => link.phase === 'connected' && link.session > session);
  await operator.until(
    'all is announced',
    (view) => view.offer?.sessions[0]?.session === sessionOf(operator),
  );
  expect(operator.view).toMatchObject({ vehicle: { state: 'online', epoch }, claim: { state: 'held' } });
});
