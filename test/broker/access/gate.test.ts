/** Getting in at the broker, and being put out. */
import { createHmac } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createGate } from '../../../broker/access/gate.ts';
import { addEnded } from '../../../broker/access/register.ts';
import { acceptInvitation, pageToken } from '../../../broker/access/sessions.ts';
import { systemClock } from '../../../shared/clock.ts';
import { guardedServer, HOUR_S } from '../../helpers/access.ts';
import { testFolder } from '../../helpers/folder.ts';
import { closed, connectMqtt, nextMessage } from '../../helpers/mqtt-clients.ts';

const refusalOf = (url: string, options: object): Promise<Error & { code?: number }> =>
  connectMqtt(url, options).then(
    () => new Error('let in'),
    (error) => error,
  );
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with claims and a header of one's own. @param key to sign with; none for no signature */
function forge(claims: object, header: object, key: string | null): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${key === null ? '' : createHmac('sha256', key).update(text).digest('base64url')}`;
}
const now = () => Math.floor(Date.now() / 1_000);
const good = () => ({
  iss: 'plntry',
  aud: 'mqtt',
  sub: 'car1',
  role: 'vehicle',
  rooms: ['car1'],
  jti: 'x',
  iat: now(),
  exp: now() + HOUR_S,
});

test.each([
  ['no password', () => ({}), 'it gave no token as its password'],
  ['text that is no token', () => ({ password: 'let me in' }), 'it is no token'],
  [
    'alg none',
    () => ({ password: forge(good(), { alg: 'none' }, null) }),
    'the token is not signed with HS256',
  ],
  [
    'a key of one’s own',
    () => ({ password: forge(good(), { alg: 'HS256' }, 'my own') }),
    'the token was not made by this server',
  ],
  ['an endless token', () => ({ password: 'a'.repeat(20_000) }), 'the token is too long'],
])('%s is refused with return code 5', async (_what, options, reason) => {
  const { mqttUrl, webSocketUrl, logged } = await guardedServer();
  for (const url of [mqttUrl, webSocketUrl]) {
    const refusal = await refusalOf(url, { clientId: 'car1', username: 'car1', ...options() });
    expect(refusal.code).toBe(5);
  }
  expect((await logged(({ message }) => message === 'MQTT client refused')).fields.reason).toBe(reason);
});

test('a token lets in its own peer alone', async () => {
  const { mqttUrl, login, logged } = await guardedServer();
  const car1 = await login('car1', 'vehicle', ['car1']);
  await connectMqtt(mqttUrl, car1);
  expect((await refusalOf(mqttUrl, { ...car1, clientId: 'car2' })).code).toBe(5);
  const { fields } = await logged(({ message }) => message === 'MQTT client refused');
  expect(fields.reason).toBe("its client id is 'car2', and its token is for 'car1'");
});

test('nobody takes over the client id of somebody else, be it the server’s', async () => {
  const { mqttUrl, login } = await guardedServer();
  const monitor = await login('mon-1', 'monitor', ['*']);
  const operator = await login('op-1', 'operator', ['*']);
  const first = await connectMqtt(mqttUrl, { ...monitor, clientId: 'Some.Tool' });
  let gone = false;
  first.on('close', () => {
    gone = true;
  });
  expect((await refusalOf(mqttUrl, { ...operator, clientId: 'Some.Tool' })).code).toBe(5);
  expect((await refusalOf(mqttUrl, { ...operator, clientId: 'plntry-server' })).code).toBe(5);
  await first.subscribeAsync('rooms/#');
  expect(gone).toBe(false);
  // One's own is taken over, as by a program that is started anew.
  const end = closed(first);
  await connectMqtt(mqttUrl, { ...monitor, clientId: 'Some.Tool' });
  await end;
});

test('a will on somebody else’s topic is refused at the door', async () => {
  const { mqttUrl, login, logged } = await guardedServer();
  const operator = await login('op-1', 'operator', ['car1']);
  const will = {
    topic: 'rooms/car1/peers/car1',
    payload: Buffer.from('lost'),
    qos: 1 as const,
    retain: true,
  };
  expect((await refusalOf(mqttUrl, { ...operator, will })).code).toBe(5);
  const { fields } = await logged(({ message }) => message === 'MQTT client refused');
  expect(fields.reason).toBe("it may not leave a will on 'rooms/car1/peers/car1'");
});

test('the will of a client that an earlier run had is published by the rules, and of nobody knows whom never', async () => {
  const { access, login } = await guardedServer();
  const gate = createGate(access, systemClock, () => {}, { isOwn: () => false, onClosed() {} });
  const { password, clientId } = await login('op-1', 'operator', ['car1']);
  expect(gate.mayPublish(null, 'rooms/car1/peers/op-1', clientId)).toBe(false);
  const client = { id: clientId, conn: new PassThrough() } as unknown as Parameters<typeof gate.admit>[0];
  expect(await gate.admit(client, { clientId, password, certificate: null })).toBeNull();
  expect(gate.mayPublish(null, 'rooms/car1/peers/op-1', clientId)).toBe(true);
  expect(gate.mayPublish(null, 'rooms/car1/peers/car1', clientId)).toBe(false);
  expect(gate.mayPublish(null, 'rooms/car1/peers/op-1', undefined)).toBe(false);
  gate.close();
});

test('who is refused for its will, or goes before it is let in, keeps no client id from others', async () => {
  const { mqttUrl, login, logged } = await guardedServer();
  const operator = await login('op-1', 'operator', ['car1']);
  const will = {
    topic: 'rooms/car1/peers/car1',
    payload: Buffer.from('lost'),
    qos: 1 as const,
    retain: true,
  };
  expect((await refusalOf(mqttUrl, { ...operator, clientId: 'Some.Tool', will })).code).toBe(5);
  await logged(({ message }) => message === 'MQTT client refused');
  await connectMqtt(mqttUrl, { ...(await login('mon-1', 'monitor', ['*'])), clientId: 'Some.Tool' });
});

test('what has ended stays ended, though the list is cut off, lost or made anew', async () => {
  const { mqttUrl, login, data, logged } = await guardedServer();
  const [one, two] = [await login('op-1', 'operator', ['car1']), await login('op-2', 'operator', ['car1'])];
  const list = `${data}/access/ended.jsonl`;
  writeFileSync(list, '{"id":"cut o');
  const end = closed(await connectMqtt(mqttUrl, one));
  addEnded(`${data}/access`, { id: one.id });
  await end;
  rmSync(list);
  await logged(({ message }) => message.startsWith('the list of whose access has ended lacks'));
  expect((await refusalOf(mqttUrl, one)).code).toBe(5);
  const ended = closed(await connectMqtt(mqttUrl, two));
  addEnded(`${data}/access`, { id: two.id });
  await ended;
  expect((await refusalOf(mqttUrl, one)).code).toBe(5);
  // Of the same length.
  const three = await login('op-3', 'operator', ['car1']);
  const endedToo = closed(await connectMqtt(mqttUrl, three));
  writeFileSync(list, `${JSON.stringify({ id: three.id })}\n`);
  await endedToo;
  expect((await refusalOf(mqttUrl, two)).code).toBe(5);
});

test('a token that was asked for when its session was ended ends with that', async () => {
  const { access, mqttUrl, invite, data } = await guardedServer();
  const accepted = await acceptInvitation(access, (await invite('operator', ['car1'])).text);
  if (!accepted.ok) throw new Error(accepted.reason);
  addEnded(`${data}/access`, { sub: accepted.grant.sub, before: now() });
  // As if it were answered a second later.
  const later = { ...access, now: () => access.now() + 1 };
  const issued = await pageToken(later, accepted.grant);
  if (!issued.ok) throw new Error(issued.reason);
  const { peer, token } = issued.token;
  expect((await refusalOf(mqttUrl, { clientId: peer, username: peer, password: token })).code).toBe(5);
});

test('what is retained beside the protocol is passed on and not kept; wills are for presence alone', async () => {
  const { mqttUrl, login, logged } = await guardedServer();
  const [operator, car] = [
    await login('op-1', 'operator', ['car1']),
    await login('car1', 'vehicle', ['car1']),
  ];
  const vehicle = await connectMqtt(mqttUrl, car);
  await vehicle.subscribeAsync('rooms/car1/#', { qos: 1 });
  const heard = nextMessage(vehicle);
  const driver = await connectMqtt(mqttUrl, operator);
  await driver.publishAsync('rooms/car1/estop', 'people on the road', { qos: 1, retain: true });
  const stop = await heard;
  expect(stop.topic).toBe('rooms/car1/estop');
  expect(JSON.parse(stop.text)).toMatchObject({ from: 'op-1', reason: 'people on the road' });
  await logged(({ message }) => message === 'retained message passed on, not kept');
  await driver.publishAsync('rooms/car1/peers/op-1', 'here', { qos: 1, retain: true });
  await driver.endAsync();
  const later = await connectMqtt(mqttUrl, await login('mon-1', 'monitor', ['*']));
  const first = nextMessage(later);
  await later.subscribeAsync(['rooms/car1/estop', 'rooms/car1/peers/op-1'], { qos: 1 });
  expect(await first).toMatchObject({ topic: 'rooms/car1/peers/op-1', retained: true });

  const will = { topic: 'rooms/car1/estop', payload: Buffer.from('by sv-boss'), qos: 1 as const };
  expect((await refusalOf(mqttUrl, { ...operator, will })).code).toBe(5);
});

test('what an operator has left is gone with its access', async () => {
  const { mqttUrl, login, access } = await guardedServer();
  const operator = await login('op-1', 'operator', ['car1']);
  const driver = await connectMqtt(mqttUrl, operator);
  await driver.publishAsync('rooms/car1/peers/op-1', 'here', { qos: 1, retain: true });
  const ears = await connectMqtt(mqttUrl, await login('mon-1', 'monitor', ['*']));
  const texts: string[] = [];
  const gone = new Promise<void>((resolve) =>
    ears.on('message', (_topic, payload) => {
      texts.push(payload.toString());
      if (payload.length === 0) resolve();
    }),
  );
  await ears.subscribeAsync('rooms/car1/peers/op-1', { qos: 1 });
  access.endings.end(operator.id);
  await gone;
  expect(texts).toEqual(['here', '']);
});

test('a list of ended access that can’t be read lets nobody start', async () => {
  const data = testFolder();
  mkdirSync(`${data}/access/ended.jsonl`, { recursive: true });
  await expect(guardedServer({ access: { data } })).rejects.toThrow(/Whose access has ended can't be read/);
});

test('whose token expires is closed then, with its will', async () => {
  const { mqttUrl, login, logged } = await guardedServer();
  const ears = await connectMqtt(mqttUrl, await login('mon-1', 'monitor', ['*']));
  const heard = new Promise<string>((resolve) => ears.once('message', (topic) => resolve(topic)));
  await ears.subscribeAsync('rooms/#', { qos: 1 });
  const will = { topic: 'rooms/car1/peers/op-1', payload: Buffer.from('gone'), qos: 1 as const };
  const operator = await connectMqtt(mqttUrl, { ...(await login('op-1', 'operator', ['car1'], 2)), will });
  await closed(operator);
  expect(await heard).toBe('rooms/car1/peers/op-1');
  await logged(({ fields }) => fields.reason === 'its token has expired' && fields.client === 'op-1');
});

test.each([
  ['an id', (id: string) => ({ id })],
  ['a peer', () => ({ sub: 'op-1', before: now() })],
  ['all', () => ({ before: now() })],
])('access is ended by %s: at once, and for good', async (_what, endedOf) => {
  const { mqttUrl, login, access, data, logged } = await guardedServer();
  const operator = await login('op-1', 'operator', ['car1']);
  const client = await connectMqtt(mqttUrl, operator);
  const end = closed(client);
  // As the command line does it, in another process.
  addEnded(`${data}/access`, endedOf(operator.id));
  await end;
  await logged(({ fields }) => fields.reason === 'its access was ended');
  expect((await refusalOf(mqttUrl, operator)).code).toBe(5);
  expect(access.endings.has({ id: 'another', from: [], sub: 'op-1', issued: now() + 5 })).toBe(false);
});

test('who has another right goes on by that when one is ended', async () => {
  const { mqttUrl, login, access, entries, logged } = await guardedServer();
  const [own, another] = [await login('car1', 'vehicle', ['car1']), await login('car1', 'vehicle', ['car1'])];
  const car = await connectMqtt(mqttUrl, own);
  const helper = await connectMqtt(mqttUrl, { ...another, clientId: 'Doctor.1' });
  const end = closed(helper);
  access.endings.end(another.id);
  await end;
  await logged(({ fields }) => fields.client === 'Doctor.1' && fields.reason === 'its access was ended');
  expect(entries.filter(({ message }) => message === 'access is over')).toEqual([]);
  await car.publishAsync('rooms/car1/peers/car1', 'here', { qos: 1 });
});
