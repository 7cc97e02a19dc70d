/** Who the car is, really: the real agent and the real operator's end, and a broker that can't be trusted. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Sdp } from '../shared/messages.ts';
import { TOO_MANY } from '../shared/operator-check.ts';
import { createSigner, newKey, publicKeyOf } from '../shared/signature.ts';
import { readKey } from '../vehicle/own-key.ts';
import { testFolder } from './helpers/folder.ts';
import {
  startHostileBroker,
  type Tamper,
  withOtherFingerprint,
  withoutSignature,
} from './helpers/hostile-broker.ts';
import { keyStore, testFleet } from './helpers/keys.ts';
import { recordLog } from './helpers/log.ts';
import { connectMqtt } from './helpers/mqtt-clients.ts';
import { type TestOperator, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

const FULL = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;
const connected = (operator: TestOperator) =>
  operator.until('connected', ({ link }) => link.phase === 'connected');
const refusals = (operator: TestOperator, count = 1) =>
  operator.until('refused', ({ identity }) => identity.refusals >= count);
const sessionOf = ({ view: { link } }: TestOperator) => ('session' in link ? link.session : null);

/** A vehicle with a key of its own. */
async function signingVehicle(url: string, options: Parameters<typeof testVehicle>[1] = {}) {
  const keyFile = join(testFolder(), 'keys', 'car1.key');
  const { log, logged, entries } = recordLog();
  const vehicle = await testVehicle(url, { keyFile, ...options }, log);
  return { vehicle, keyFile, key: publicKeyOf(readKey(keyFile) ?? ''), logged, entries };
}

describe('towards the operator', () => {
  test('a vehicle signs, is pinned at first sight, and is known by the pin the next time', async () => {
    const { mqttUrl } = await testServer();
    const ears = await testListener(mqttUrl, 'rooms/car1/sdp/#');
    const { key, logged } = await signingVehicle(mqttUrl);
    const said = await logged(({ message }) => message === 'signs with its key');
    expect(said.fields).toMatchObject({ publicKey: key });
    const keys = keyStore();
    const first = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { keys });
    await connected(first);
    expect(first.view.identity).toEqual({ by: 'first-sight', key, refused: null, refusals: 0 });
    expect(keys.pinned()).toBe(key);
    const second = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { keys });
    await connected(second);
    expect(second.view.identity).toMatchObject({ by: 'pin', key });
    const { text } = await ears.message('an offer', ({ text }) => text.includes('"offer"'));
    expect(JSON.parse(text)).toMatchObject({ key, sig: expect.stringMatching(/^[\w-]{86}$/) });
  });

  test('a vehicle that the fleet knows is known by the fleet', async () => {
    const { mqttUrl } = await testServer();
    const { key } = await signingVehicle(mqttUrl);
    const operator = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { keys: keyStore(key) });
    await connected(operator);
    expect(operator.view.identity).toMatchObject({ by: 'fleet', key });
  });

  test('a vehicle without a key is taken by who has never seen one', async () => {
    const { mqttUrl } = await testServer();
    await testVehicle(mqttUrl);
    const operator = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { keys: keyStore() });
    await connected(operator);
    expect(operator.view.identity).toMatchObject({ by: 'nothing', key: null });
  });

  const attacker = newKey();
  const ofVehicle = (change: (message: Sdp, to: string, before: Sdp | undefined) => Sdp): Tamper => {
    let before: Sdp | undefined;
    return ({ from, to, message }) => {
      if (from !== 'car1') return [message];
      const changed = change(message, to, before);
      before ??= message;
      return [changed];
    };
  };
  test.each([
    ['swaps the fingerprint', ofVehicle(withOtherFingerprint), 'forged'],
    [
      'strips the signature',
      ofVehicle((message) => withoutSignature(withOtherFingerprint(message))),
      'unsigned',
    ],
    ['strips half of it', ofVehicle(({ sig: _sig, ...message }) => withOtherFingerprint(message)), 'forged'],
    [
      'signs with a key of its own',
      ofVehicle((message, to) => createSigner('car1', 'car1', attacker)(to, withOtherFingerprint(message))),
      'other-key',
    ],
    [
      'shows the vehicle’s key with a signature of its own',
      ofVehicle((message, to) => ({
        ...createSigner('car1', 'car1', attacker)(to, withOtherFingerprint(message)),
        key: message.key,
      })),
      'forged',
    ],
    [
      'changes anything else in it',
      ofVehicle((message) => ({ ...message, sdp: `${message.sdp}a=x\r\n` })),
      'forged',
    ],
    ['says it under a newer seq', ofVehicle((message) => ({ ...message, seq: message.seq + 1 })), 'forged'],
  ] as const)(
    'a broker that %s connects nothing; when it is honest again, the vehicle does',
    async (_what, tamper, why) => {
      const broker = await startHostileBroker();
      const { key } = await signingVehicle(broker.url);
      broker.tamper(tamper);
      const operator = testOperator(broker.url, 'car1', 'rooms', 'entered', { keys: keyStore(key) });
      await refusals(operator);
      expect(operator.view.link.phase).toBe('waiting');
      expect(operator.view.identity).toMatchObject({
        by: null,
        refused: { why, known: { key, by: 'fleet' } },
      });
      broker.tamper(({ message }) => [message]);
      await connected(operator);
      expect(operator.view.identity).toMatchObject({ by: 'fleet', key, refused: null });
    },
  );

  test('an older session’s description connects nothing, under its own name or that of the new one', async () => {
    const broker = await startHostileBroker();
    const { key } = await signingVehicle(broker.url);
    const keys = keyStore(key);
    const first = testOperator(broker.url, 'car1', 'rooms', 'entered', { keys });
    await connected(first);
    const old = broker.described.find(({ from }) => from === 'car1')?.message as Sdp;
    await first.close();
    broker.tamper(({ from, message }) =>
      from === 'car1' ? [old, { ...old, session: message.session, seq: message.seq }] : [message],
    );
    const second = testOperator(broker.url, 'car1', 'rooms', 'entered', { keys });
    await refusals(second, 2);
    expect(second.view.link.phase).toBe('waiting');
    broker.tamper(({ message }) => [message]);
    await connected(second);
  });

  test('what is forged beside a session that goes on changes nothing in it', async () => {
    const broker = await startHostileBroker();
    await signingVehicle(broker.url);
    const operator = testOperator(broker.url, 'car1', 'rooms', 'entered', { keys: keyStore() });
    await connected(operator);
    const session = sessionOf(operator);
    const offer = broker.described.find(({ from }) => from === 'car1')?.message as Sdp;
    const newer = { ...offer, session: `${offer.session.slice(0, -4)}zzzz` };
    const forge = createSigner('car1', 'car1', newKey());
    for (const message of [newer, withoutSignature(newer), forge(operator.id, newer)]) {
      await broker.say('car1', operator.id, message);
    }
    await refusals(operator, 3);
    operator.request();
    await operator.until('the wheel', ({ claim }) => claim.state === 'held');
    operator.drive(FULL);
    await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
    expect(sessionOf(operator)).toBe(session);
    expect(operator.view.identity.refused).toBeNull();
    expect(operator.dropped()).toMatchObject({ 'sdp: is signed with another key than the vehicle’s': 1 });
  });

  test('a vehicle with another key than before is refused, with both keys, until the new one is trusted', async () => {
    const { mqttUrl } = await testServer();
    const { vehicle, keyFile, key } = await signingVehicle(mqttUrl);
    const keys = keyStore();
    const operator = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { keys });
    await connected(operator);
    await vehicle.close();
    await operator.until('offline', (view) => view.vehicle?.state === 'offline');
    rmSync(keyFile);
    await testVehicle(mqttUrl, { keyFile });
    await refusals(operator);
    const next = publicKeyOf(readKey(keyFile) ?? '');
    expect(next).not.toBe(key);
    expect(operator.view.identity.refused).toEqual({
      why: 'other-key',
      known: { key, by: 'pin' },
      key: next,
    });
    keys.pin(next);
    await connected(operator);
    expect(operator.view.identity).toMatchObject({ by: 'pin', key: next, refused: null });
  });
});

describe('towards the vehicle', () => {
  const fleet = testFleet();
  // Given, so nothing is kept.
  const fleetKey = { key: fleet.key, file: '/nowhere' };

  test('an operator with a pass of the fleet connects and drives', async () => {
    const { mqttUrl } = await testServer();
    const ears = await testListener(mqttUrl, 'rooms/car1/sdp/#');
    await signingVehicle(mqttUrl, { fleetKey });
    const one = fleet.operator('op-1');
    const operator = testOperator(mqttUrl, 'car1', 'rooms', 'entered', { ...one, keys: keyStore() });
    await connected(operator);
    operator.request();
    await operator.until('the wheel', ({ claim }) => claim.state === 'held');
    operator.drive(FULL);
    await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
    const { text } = await ears.message('the answer', ({ text }) => text.includes('"answer"'));
    expect(JSON.parse(text)).toMatchObject({ pass: one.identity.pass(), key: expect.any(String) });
  });

  const other = testFleet();
  const mixed = { ...fleet.operator('op-1'), self: 'op-2' };
  test.each([
    ['no pass', { self: 'op-1' }, 'no pass was shown'],
    ['another’s pass, and its key', mixed, 'the pass is somebody else’s'],
    ['a pass that has expired', fleet.operator('op-1', { exp: 1e9 }), 'the pass has expired'],
    [
      'a pass for other vehicles',
      fleet.operator('op-1', { rooms: ['van-*'] }),
      'the pass is not for this vehicle',
    ],
    [
      'a pass that lets it look at figures',
      fleet.operator('op-1', { role: 'monitor' }),
      'the pass is for a role that does not drive',
    ],
    ['a pass of another fleet', other.operator('op-1'), 'the pass is not one of this fleet'],
    [
      'a pass for another key',
      fleet.operator('op-1', { key: fleet.key }),
      'it is not signed with the key of the pass',
    ],
  ])('an operator with %s is refused, and told why; one with a pass goes on', async (_what, wrong, why) => {
    const { mqttUrl } = await testServer();
    const { entries } = await signingVehicle(mqttUrl, { fleetKey });
    const honest = testOperator(mqttUrl, 'car1', 'rooms', 'entered', fleet.operator('op-3'));
    await connected(honest);
    const session = sessionOf(honest);
    const operator = testOperator(mqttUrl, 'car1', 'rooms', 'entered', wrong);
    await operator.until('its end', ({ link }) => link.phase === 'ended');
    expect(operator.view.link).toMatchObject({
      reason: 'refused',
      detail: `this vehicle takes operators of its fleet only, and ${why}`,
    });
    expect(operator.received.packets).toBe(0);
    const logged = entries.filter(({ fields }) => fields.why === `an operator is refused: ${why}`);
    expect(logged).toHaveLength(1);
    honest.request();
    await honest.until('the wheel', ({ claim }) => claim.state === 'held');
    expect(sessionOf(honest)).toBe(session);
  });

  test('what a broker answers in an operator’s place is dropped, and the operator’s own answer is taken', async () => {
    const broker = await startHostileBroker();
    const { logged } = await signingVehicle(broker.url, { fleetKey });
    const spy = fleet.operator('op-9');
    const forge = createSigner('car1', 'op-1', spy.identity.secretKey);
    broker.tamper(({ from, to, message }) => {
      if (from === 'car1') return [message];
      const swapped = withOtherFingerprint(message);
      const forged = { ...forge(to, swapped), pass: spy.identity.pass() as string };
      const stolen = { ...forge(to, swapped), pass: message.pass };
      return [swapped, withoutSignature(swapped), forged, stolen, message];
    });
    const operator = testOperator(broker.url, 'car1', 'rooms', 'entered', fleet.operator('op-1'));
    await connected(operator);
    await operator.until('video', () => operator.received.packets > 10);
    for (const why of [
      'it is not signed with the key of the pass',
      'no pass was shown',
      'the pass is somebody else’s',
    ])
      await logged(({ fields }) => fields.why === `an operator is refused: ${why}`);
  });

  test('of wrong signatures on many pages of one person a few are looked at, and others drive on', async () => {
    const { mqttUrl } = await testServer();
    const { logged, entries } = await signingVehicle(mqttUrl, { fleetKey });
    const honest = testOperator(mqttUrl, 'car1', 'rooms', 'entered', fleet.operator('op-3'));
    await connected(honest);
    const session = sessionOf(honest);
    const pages = [1, 2, 3, 4].map((number) => `op-5f0c3a9d21-0000000${number}`);
    const flood = await connectMqtt(mqttUrl);
    flood.on('message', (topic, payload) => {
      const offer = JSON.parse(payload.toString()) as Sdp;
      const self = topic.split('/').at(-1) ?? '';
      if (offer.type !== 'offer' || !pages.includes(self)) return;
      const answer = { v: 1, ts: 1, session: offer.session, seq: offer.seq, type: 'answer', sdp: offer.sdp };
      const wrong = createSigner('car1', self, newKey())('car1', answer as Sdp);
      const { identity } = fleet.operator(self);
      const shown = { ...wrong, key: publicKeyOf(identity.secretKey), pass: identity.pass() };
      for (let times = 0; times < 50; times++)
        flood.publish(`rooms/car1/sdp/${self}/car1`, JSON.stringify(shown));
    });
    await flood.subscribeAsync('rooms/car1/sdp/car1/+', { qos: 1 });
    for (const self of pages) {
      const online = { v: 1, ts: 1, state: 'online', role: 'operator', epoch: 1, since: 1 };
      flood.publish(`rooms/car1/peers/${self}`, JSON.stringify(online), { qos: 1 });
    }
    const refused = 'an operator is refused:';
    await logged(({ fields }) => fields.why === `${refused} it is not signed with the key of the pass`);
    await logged(({ fields }) => fields.why === `${refused} ${TOO_MANY}`);
    honest.request();
    await honest.until('the wheel', ({ claim }) => claim.state === 'held');
    honest.drive(FULL);
    await honest.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
    expect(sessionOf(honest)).toBe(session);
    expect(entries.filter(({ fields }) => fields.why === `${refused} ${TOO_MANY}`)).toHaveLength(1);
  });

  test('another connection is asked for and answered by the operator itself, or there is none', async () => {
    const broker = await startHostileBroker();
    const { logged } = await signingVehicle(broker.url, { fleetKey });
    const operator = testOperator(broker.url, 'car1', 'rooms', 'entered', fleet.operator('op-1'));
    await connected(operator);
    await operator.until('the vehicle has it open, too', (_, state) => state !== null);
    const offers = () => broker.described.filter(({ message }) => message.type === 'offer');
    const session = sessionOf(operator) ?? '';
    await broker.say('op-1', 'car1', { v: 1, ts: 1, type: 'restart', session, seq: 1 });
    await logged(({ fields }) => fields.why === 'an operator is refused: no pass was shown');
    expect(offers().map((offer) => offer.message.session)).toEqual([session]);
    operator.mute(true);
    const said = (type: string, isNew: boolean) =>
      broker.described.find(({ message }) => message.type === type && message.session > session === isNew);
    await operator.until('another one, answered', () => said('answer', true) !== undefined);
    expect(said('restart', false)?.message.pass).toBe(said('answer', true)?.message.pass);
    operator.mute(false);
    await operator.until('taken over', ({ link }) => link.phase === 'connected' && link.session > session);
  });

  test('only whose pass says supervisor takes the wheel from others, whatever its presence says', async () => {
    const { mqttUrl } = await testServer();
    await signingVehicle(mqttUrl, { fleetKey });
    const [driver, pretender, supervisor] = [
      fleet.operator('op-1'),
      fleet.operator('op-2'),
      fleet.operator('op-3', { role: 'supervisor' }),
    ].map((one) => testOperator(mqttUrl, 'car1', 'rooms', 'entered', one)) as [
      TestOperator,
      TestOperator,
      TestOperator,
    ];
    for (const one of [driver, pretender, supervisor]) await connected(one);
    driver.request();
    await driver.until('the wheel', ({ claim }) => claim.state === 'held');
    for (const one of [pretender, supervisor]) {
      one.supervise(true);
      await driver.until('it says so', ({ operators }) => operators[one.id]?.supervises === true);
    }
    pretender.request('takeover');
    await pretender.until('denied', ({ claim }) => claim.state === 'denied');
    supervisor.request('takeover');
    await supervisor.until('the wheel', ({ claim }) => claim.state === 'held');
  });
});

test('both at once: a broker between the two connects neither to itself', async () => {
  const broker = await startHostileBroker();
  const fleet = testFleet();
  const { key } = await signingVehicle(broker.url, { fleetKey: { key: fleet.key, file: '/nowhere' } });
  broker.tamper(({ message }) => [withOtherFingerprint(message), message]);
  const keys = keyStore(key);
  const operator = testOperator(broker.url, 'car1', 'rooms', 'entered', { ...fleet.operator('op-1'), keys });
  await connected(operator);
  await operator.until('video', () => operator.received.packets > 10);
  expect(operator.view.identity).toMatchObject({ by: 'fleet', refused: null });
});
