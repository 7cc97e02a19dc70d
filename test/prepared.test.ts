/** Sessions that are made before their operator enters: with a real broker and agent, WebRTC on both ends. */
import { expect, onTestFinished, test } from 'vitest';
import { UNUSED_MS } from '../shared/admission.ts';
import { systemClock } from '../shared/clock.ts';
import type { RoomView } from '../shared/room-view.ts';
import { createVehicleEnd } from '../shared/vehicle-end.ts';
import { createPeerFactory } from '../vehicle/webrtc/peer.ts';
import { silent, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';

/** H.264 (RFC 6184): the picture that needs no other one. */
const IDR = 5;

const prepare = (url: string) => testOperator(url, 'car1', 'rooms', 'preparing');
const connected = ({ link }: RoomView) => link.phase === 'connected';
const sessionOf = ({ link }: RoomView) => ('session' in link ? link.session : null);

test('it carries no video and nobody sees it; entering brings a key frame, in the same session', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const ahead = prepare(mqttUrl);
  await ahead.until('connected', connected);
  const session = sessionOf(ahead.view);

  const watcher = testOperator(mqttUrl);
  await watcher.until('a second of video', () => watcher.received.packets > 60);
  expect(ahead.received.packets).toBe(0);
  expect(Object.keys(watcher.view.operators)).toEqual([watcher.id]);
  await watcher.until('listed as what it is', ({ offer }) => {
    const listed = offer?.sessions.find(({ peer }) => peer === ahead.id);
    return listed?.prepared === true && listed.phase === 'connected';
  });

  ahead.enter();
  await ahead.until('video', () => ahead.received.nalTypes.has(IDR));
  expect(sessionOf(ahead.view)).toBe(session);
  await watcher.until('seen', ({ operators, offer }) => {
    return ahead.id in operators && !offer?.sessions.some(({ prepared }) => prepared);
  });
});

test('alone, it does not make the vehicle a connected one', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  await testVehicle(mqttUrl);
  const ahead = prepare(mqttUrl);
  await ahead.until('connected', connected);
  await ears.message('the session', ({ topic, text }) => {
    return topic === 'rooms/car1/offer' && text.includes('"phase":"connected","prepared":true');
  });
  const states = ears.heard.filter(({ topic }) => topic === 'rooms/car1/offer');
  expect(states.filter(({ text }) => JSON.parse(text).phase === 'connected')).toEqual([]);
});

test('it drives nothing', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const ahead = prepare(mqttUrl);
  await ahead.until('connected', connected);
  ahead.request();
  await ahead.until('denied', ({ claim }) => claim.state === 'denied');
  ahead.enter();
  ahead.request();
  await ahead.until('granted', ({ claim }) => claim.state === 'held');
});

test('it takes no place, and who finds none when entering is told, and let in when there is one', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl, { maxOperators: 1 });
  const ahead = prepare(mqttUrl);
  await ahead.until('connected', connected);
  const first = testOperator(mqttUrl);
  await first.until('connected', connected);
  ahead.enter();
  await ahead.until('full', ({ link }) => link.phase === 'ended' && link.reason === 'full');
  await first.close();
  await ahead.until('connected', connected);
  await ahead.until('video', () => ahead.received.packets > 0);
});

test('there are a few at a time; who comes after them has a session made when entering', async () => {
  const { mqttUrl } = await testServer();
  const ears = await testListener(mqttUrl);
  await testVehicle(mqttUrl);
  for (let made = 0; made < 3; made++) await prepare(mqttUrl).until('connected', connected);
  const late = prepare(mqttUrl);
  await ears.message('it is there', ({ topic }) => topic === `rooms/car1/peers/${late.id}`);
  const entering = testOperator(mqttUrl);
  await entering.until('connected', connected);
  expect(late.view.link.phase).toBe('waiting');
  late.enter();
  await late.until('connected', connected);
});

test('the vehicle ends it when nobody enters', async () => {
  const { mqttUrl } = await testServer();
  let giveUp = () => {};
  const clock: typeof systemClock = {
    ...systemClock,
    after(ms, run) {
      if (ms !== UNUSED_MS) return systemClock.after(ms, run);
      giveUp = run;
      return () => {};
    },
  };
  const peers = createPeerFactory({ iceServers: () => [] });
  const vehicle = createVehicleEnd({
    url: mqttUrl,
    room: 'car1',
    maxOperators: 1,
    createPeer: () => (handlers) =>
      peers.create({ ...handlers, mediaReady: () => {}, keyFrameWanted: () => {} }),
    doing: () => ({ speed: 0, steer: 0, throttle: 0, brake: 1, gear: 'N', safety: 'ready' }),
    onCommand: () => {},
    onLease: () => {},
    onEstop: () => {},
    onReset: () => {},
    onSessions: () => {},
    onReplaced: () => {},
    clock,
    log: silent,
  });
  onTestFinished(async () => {
    await vehicle.close();
  });
  const ahead = prepare(mqttUrl);
  await ahead.until('connected', connected);
  giveUp();
  await ahead.until('ended', ({ link }) => link.phase === 'ended' && link.reason === 'left');
  ahead.enter();
  await ahead.until('connected', connected);
});
