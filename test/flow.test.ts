/**
 * The main job with real parts: a real broker (the embedded one, and Debian's Mosquitto), a real agent,
 * real MQTT clients, WebRTC on both ends.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { NOTHING_REPORTED } from '../shared/report.ts';
import { startMosquitto } from './helpers/mosquitto.ts';
import { retainedMessages } from './helpers/mqtt-clients.ts';
import { testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

/** Against hanging only. */
const POLL = { timeout: 20_000 };
const NEUTRAL = { steer: 0, throttle: 0, brake: 0, gear: 'D' } as const;

const brokers = {
  'the embedded broker': async () => {
    const server = await testServer();
    return { tcp: server.mqttUrl, web: `${server.webUrl.replace('http', 'ws')}/mqtt` };
  },
  Mosquitto: async () => {
    const mosquitto = await startMosquitto();
    await testServer({ external: { url: mosquitto.url, pageUrl: mosquitto.webSocketUrl } });
    return { tcp: mosquitto.url, web: mosquitto.webSocketUrl };
  },
};

describe.each(Object.entries(brokers))('on %s', (_name, start) => {
  test('an operator who comes gets an offer, video, the wheel, and moves the car; all of it can be heard', async () => {
    const { tcp, web } = await start();
    const ears = await testListener(tcp);
    await testVehicle(tcp);
    await ears.message(
      'the vehicle waiting',
      ({ topic, text }) => topic === 'rooms/car1/offer' && text.includes('"waiting"'),
    );

    const operator = testOperator(web);
    await operator.until('connected', (view) => view.link.phase === 'connected');
    const { received } = operator;
    await operator.until('video', () => received.packets > 30);
    expect([...received.nalTypes]).toEqual(expect.arrayContaining([5, 7, 8]));

    operator.request();
    await operator.until('the grant', (view) => view.claim.state === 'held');
    await operator.until('the lease, for everyone', (view) => view.lease?.holder === operator.id);
    const release = operator.drive({ ...NEUTRAL, throttle: 1 });
    await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 2);
    await operator.until('telemetry says so', (view) => Number(view.telemetry?.values['Vehicle.Speed']) > 5);
    await operator.until('a path', (view) => view.path?.path !== undefined);
    release();
    await operator.until('it stands', (_, state) => state?.speed === 0 && state.safety === 'stopped');

    const seen = new Set(ears.heard.map(({ topic }) => topic.replaceAll(operator.id, 'OP')));
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'rooms/car1/peers/car1',
        'rooms/car1/peers/OP',
        'rooms/car1/offer',
        'rooms/car1/sdp/car1/OP',
        'rooms/car1/sdp/OP/car1',
        'rooms/car1/ice/car1/OP',
        'rooms/car1/ice/OP/car1',
        'rooms/car1/report/OP/car1',
        'rooms/car1/telemetry',
        'rooms/car1/link/OP',
        'rooms/car1/lease',
        'rooms/car1/safety',
      ]),
    );
    // In the order of the design: presence, offer, answer.
    const order = ears.heard.map(({ topic }) => topic);
    const at = (topic: string) => order.indexOf(`rooms/car1/${topic}`);
    expect(at(`peers/${operator.id}`)).toBeLessThan(at(`sdp/car1/${operator.id}`));
    expect(at(`sdp/car1/${operator.id}`)).toBeLessThan(at(`sdp/${operator.id}/car1`));
  });

  test('while it waits alone, a vehicle publishes neither SDP nor ICE', async () => {
    const { tcp } = await start();
    const ears = await testListener(tcp);
    await testVehicle(tcp);
    // Ten telemetry messages are a second of waiting.
    const telemetry = () => ears.heard.filter(({ topic }) => topic.endsWith('/telemetry'));
    await ears.message('a second of telemetry', () => telemetry().length >= 10);
    expect(ears.heard.filter(({ topic }) => /\/(sdp|ice)\//.test(topic))).toEqual([]);
  });

  test('an operator who is there before the car is served when it comes, and nothing stays when both are gone', async () => {
    const { tcp, web } = await start();
    const operator = testOperator(web);
    await operator.until('announced', (view) => operator.id in view.operators);
    expect(operator.view.vehicle).toBeNull();
    const vehicle = await testVehicle(tcp);
    await operator.until('connected', (view) => view.link.phase === 'connected');
    await vehicle.close();
    await operator.until(
      'the goodbye',
      (view) => view.link.phase === 'ended' || view.link.phase === 'waiting',
    );
    await operator.until('offline', (view) => view.vehicle?.state === 'offline');
    await operator.close();
    const left = await retainedMessages(tcp);
    expect(Object.keys(left).sort()).toEqual(['rooms/car1/peers/car1', 'rooms/car1/telemetry']);
    expect(JSON.parse(left['rooms/car1/peers/car1'] ?? '')).toMatchObject({
      state: 'offline',
      role: 'vehicle',
    });
  });
});

test('one port is enough: vehicle and operator over WebSocket on the web port', async () => {
  const { webUrl } = await testServer();
  const web = `${webUrl.replace('http', 'ws')}/mqtt`;
  await testVehicle(web, { server: webUrl });
  const operator = testOperator(web);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  await operator.until('video', () => operator.received.packets > 10);
});

test('the first who asks drives; the second is told who does, sees, moves nothing, and gets it when it is free', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const [first, second] = [testOperator(mqttUrl), testOperator(mqttUrl)];
  await Promise.all(
    [first, second].map((one) => one.until('connected', ({ link }) => link.phase === 'connected')),
  );
  first.request();
  await first.until('granted', ({ claim }) => claim.state === 'held');
  second.request();
  await second.until('denied', ({ claim }) => claim.state === 'denied');
  expect(second.view.claim).toMatchObject({ reason: `${first.id} is driving` });
  await second.until('video', () => second.received.packets > 10);
  expect(second.command({ ...NEUTRAL, throttle: 1 })).toBe(false);

  await second.until('taken, for everyone', ({ lease }) => lease?.holder === first.id);
  first.release();
  await second.until('free', ({ lease }) => lease?.holder === null);
  second.request();
  await second.until('granted', ({ claim }) => claim.state === 'held');
  await first.close();
  second.drive({ ...NEUTRAL, throttle: 1 });
  await second.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
});

test('who lets go before the answer to asking has come holds nothing, and gets the wheel by asking anew', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected, all else answered', ({ clock }) => clock !== null);
  const { clock } = operator.view;
  operator.request();
  operator.release();
  // The answers to both come in order before this one.
  operator.say({ type: 'clock', ts: Date.now(), t: Date.now() });
  await operator.until('an answer to what was said last', (view) => view.clock !== clock);
  expect(operator.view.claim).toEqual({ state: 'none' });
  await operator.until('nobody drives, for everyone', ({ lease }) => lease?.holder === null);
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  operator.drive({ ...NEUTRAL, throttle: 1 });
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
});

test('commands with a lease that was not granted move nothing', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const forged = { lease: 1, steer: 0, throttle: 1, brake: 0, gear: 'D' };
  let seq = 0;
  // From when its clock is known on the car has heard them.
  const pouring = setInterval(() => {
    operator.sendOn('control', JSON.stringify({ ...forged, seq: ++seq, t: Date.now() }));
  }, 20);
  onTestFinished(() => clearInterval(pouring));
  const heard = new Set<number>();
  operator.onEveryState(({ echo }) => echo !== null && heard.add(echo));
  await operator.until('many have come', () => heard.size > 20);
  expect(operator.lastState()).toMatchObject({ speed: 0, throttle: 0, safety: 'ready' });
});

test('more operators than are let in are told so, and let in when a place is free', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl, { maxOperators: 1 });
  const first = testOperator(mqttUrl);
  await first.until('connected', ({ link }) => link.phase === 'connected');
  const second = testOperator(mqttUrl);
  await second.until('full', ({ link }) => link.phase === 'ended' && link.reason === 'full');
  await first.close();
  await second.until('connected', ({ link }) => link.phase === 'connected');
});

test('an operator whose session is gone at the vehicle is told, and gets a new one', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const session = operator.view.link.phase === 'connected' ? operator.view.link.session : '';
  const { client } = await testListener(mqttUrl, 'nothing/at/all');
  const bye = { v: 1, ts: Date.now(), session, reason: 'left' };
  await client.publishAsync(`rooms/car1/bye/${operator.id}/car1`, JSON.stringify(bye), { qos: 1 });
  await operator.until('told', ({ link }) => link.phase === 'ended');
  await operator.until('a new session', ({ link }) => link.phase === 'connected' && link.session > session);
});

test('presences that nobody stands behind keep nobody out', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl, { maxOperators: 2 });
  const { client } = await testListener(mqttUrl, 'nothing/at/all');
  for (const ghost of ['op-ghost1', 'op-ghost2']) {
    const presence = { v: 1, ts: 1, state: 'online', role: 'operator', epoch: 1, since: 1 };
    await client.publishAsync(`rooms/car1/peers/${ghost}`, JSON.stringify(presence), {
      qos: 1,
      retain: true,
    });
  }
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
});

test('a second agent for the same room takes over: the first leaves for good, operators follow', async () => {
  const { mqttUrl } = await testServer();
  const first = await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const epoch = operator.view.vehicle?.epoch ?? 0;
  await testVehicle(mqttUrl);
  expect((await first.failed).message).toBe('Another agent has taken over car1.');
  await operator.until(
    'connected to the second',
    ({ link, vehicle }) =>
      link.phase === 'connected' && (vehicle?.epoch ?? 0) > epoch && vehicle?.state === 'online',
  );
  const retained = async (kind: string) =>
    JSON.parse((await retainedMessages(mqttUrl))[`rooms/car1/${kind}`] ?? 'null');
  const second = operator.view.vehicle?.epoch;
  await expect.poll(() => retained('peers/car1'), POLL).toMatchObject({ state: 'online', epoch: second });
  const sessions = [{ peer: operator.id }];
  await expect
    .poll(() => retained('offer'), POLL)
    .toMatchObject({ phase: 'connected', epoch: second, sessions });
});

test('a broker restart interrupts neither video nor control, and afterwards all is announced again', async () => {
  const server = await testServer();
  const [port, mqttPort] = [server.webUrl, server.mqttUrl].map((url) => Number(new URL(url).port));
  await testVehicle(server.mqttUrl);
  const operator = testOperator(server.mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  operator.drive({ ...NEUTRAL, throttle: 0.4 });
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
  const session = operator.view.link.phase === 'connected' && operator.view.link.session;

  await server.close();
  await operator.until('the broker is gone', ({ broker }) => broker.state === 'offline');
  const { packets } = operator.received;
  await operator.until('a second of video without a broker', () => operator.received.packets > packets + 60);
  // A machine that is busy may have let go for a moment.
  await operator.until('still driven', (_, state) => state?.throttle === 0.4);

  await testServer({ port: port ?? 0, mqttPort: mqttPort ?? 0 });
  await operator.until('the broker is back', ({ broker }) => broker.state === 'connected');
  await operator.until('all is announced', (view) => view.offer?.sessions[0]?.peer === operator.id);
  expect(operator.view.link).toMatchObject({ phase: 'connected', session });
  expect(operator.lastState()?.speed).toBeGreaterThan(1);
});

test('the vehicle’s report is believed from the vehicle and for this session only; what is right after it stays', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const session = operator.view.link.phase === 'connected' ? operator.view.link.session : '';
  // After which the vehicle has nothing more to say.
  const last = ['gathering complete', 'channels open'];
  await operator.until('all is told', ({ reports }) => {
    const told = reports.there?.states.map(({ of, state }) => `${of} ${state}`);
    return last.every((each) => told?.includes(each));
  });
  const { client } = await testListener(mqttUrl, 'nothing/at/all');
  const say = (from: string, note: string, more: object = {}) => {
    const report = { ...NOTHING_REPORTED, v: 1, ts: Date.now(), session, notes: [note], ...more };
    return client.publishAsync(`rooms/car1/report/${from}/${operator.id}`, JSON.stringify(report), {
      qos: 1,
    });
  };
  await say('car1', 'the right one');
  await operator.until('the report', ({ reports }) => reports.there?.notes[0] === 'the right one');
  await say('op-stranger', 'not from the vehicle');
  await say('car1', 'another session', { session: '000000000-0001' });
  await say('car1', 'half of it', { servers: undefined });
  await say('car1', 'too much', { notes: Array(51).fill('too much') });
  await client.publishAsync(
    'rooms/car1/lease',
    JSON.stringify({ v: 1, ts: 1, holder: 'op-last', since: 1 }),
    {
      qos: 1,
    },
  );
  await operator.until('the message after the bad ones', ({ lease }) => lease?.holder === 'op-last');
  expect(operator.view.reports).toMatchObject({ session, there: { notes: ['the right one'] } });
  expect(Object.keys(operator.dropped())).toEqual(
    expect.arrayContaining([
      'report: not from the vehicle',
      'report: another session',
      expect.stringContaining('report: servers'),
      expect.stringContaining('report: notes'),
    ]),
  );
});

test('reports outlive their session, and a new session begins with new ones', async () => {
  const { mqttUrl } = await testServer();
  const vehicle = await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const { session } = operator.view.reports;
  await vehicle.close();
  await operator.until('over', ({ link }) => link.phase === 'ended' || link.phase === 'waiting');
  expect(operator.view.reports).toMatchObject({ session, here: { states: expect.anything() } });
  await testVehicle(mqttUrl);
  await operator.until('a new one', ({ link }) => link.phase === 'connected' && link.session !== session);
  expect(operator.view.reports.session).not.toBe(session);
});

test('bad input of every kind is dropped and counted, and the session goes on', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const session = operator.view.link.phase === 'connected' ? operator.view.link.session : '';
  const { client } = await testListener(mqttUrl, 'nothing/at/all');
  const to = `rooms/car1/sdp/car1/${operator.id}`;
  const envelope = { v: 1, ts: Date.now(), session, seq: 9, type: 'offer' };
  const bad: [string, string | Buffer][] = [
    [to, '{"v":1,'],
    [to, JSON.stringify({ ...envelope, seq: 'nine', sdp: 'v=0' })],
    [to, JSON.stringify({ ...envelope, v: 2, sdp: 'v=0' })],
    [to, JSON.stringify({ ...envelope, sdp: 'hello' })],
    [to, Buffer.alloc(128 * 1024, 'x')],
    [to, Buffer.from([0xff, 0xfe, 0x00])],
    [
      `rooms/car1/ice/car1/${operator.id}`,
      JSON.stringify({ v: 1, ts: 1, session: '000000000-0001', candidates: [], done: true }),
    ],
    [
      'rooms/car1/peers/UPPER',
      JSON.stringify({ v: 1, ts: 1, state: 'online', role: 'operator', epoch: 1, since: 1 }),
    ],
    ['rooms/car1/peers/a/b', '{}'],
    [
      `rooms/car1/bye/car1/${operator.id}`,
      JSON.stringify({ v: 1, ts: 1, session: '000000000-0001', reason: 'left' }),
    ],
    [`rooms/car1/report/stranger/car1`, JSON.stringify({ v: 1, ts: 1, session })],
    [`rooms/car1/sdp/stranger/car1`, JSON.stringify({ ...envelope, type: 'answer', sdp: 'v=0' })],
  ];
  for (const [topic, payload] of bad) await client.publishAsync(topic, payload, { qos: 1 });
  // What was sent before it has been handled when this has come.
  await client.publishAsync(
    'rooms/car1/lease',
    JSON.stringify({ v: 1, ts: 1, holder: 'op-last', since: 1 }),
    { qos: 1 },
  );
  await operator.until('the message after the bad ones', ({ lease }) => lease?.holder === 'op-last');

  const counts = Object.entries(operator.dropped());
  expect(counts.map(([key]) => key)).toEqual(
    expect.arrayContaining([
      'sdp: is not JSON in UTF-8',
      expect.stringContaining('sdp: seq'),
      expect.stringContaining('sdp: v'),
      expect.stringContaining('sdp: sdp: is not SDP'),
      expect.stringContaining('more than 65536'),
      expect.stringContaining('ice: another session'),
      expect.stringContaining('bye: another session'),
    ]),
  );
  expect(counts.find(([key]) => key === 'sdp: is not JSON in UTF-8')?.[1]).toBe(2);
  expect(operator.view.link).toMatchObject({ phase: 'connected', session });
  const { packets } = operator.received;
  await operator.until('more video', () => operator.received.packets > packets + 10);
});

test('a payload of 1 MiB harms the one who sent it at most', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  const { client } = await testListener(mqttUrl, 'nothing/at/all');
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.publish(`rooms/car1/sdp/car1/${operator.id}`, Buffer.alloc(1024 * 1024, 'x'), { qos: 1 }, () => {});
  await closed;
  const { packets } = operator.received;
  await operator.until('more video', () => operator.received.packets > packets + 10);
  expect(operator.view.broker.state).toBe('connected');
});
