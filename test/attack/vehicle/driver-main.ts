/**
 * The honest driver, in a process of its own so that an attacker's load is not taken for the car's. Told by its
 * parent what to do; see driver.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type * as werift from 'werift';
import { systemClock } from '../../../shared/clock.ts';
import { fixedCredentials } from '../../../shared/credentials.ts';
import { buildMessage } from '../../../shared/messages.ts';
import type { Link } from '../../../shared/negotiation.ts';
import { createOperatorEnd, type OperatorEnd } from '../../../shared/operator-end.ts';
import type { CreatePeer } from '../../../shared/peer.ts';
import { createTopics } from '../../../shared/topics.ts';
import { keyStore } from '../../helpers/keys.ts';
import { weriftOperator } from '../../helpers/werift-peer.ts';
import type { Asked, Login, Seen, Setup } from './driver.ts';

const COMMAND_MS = 20;
const LOOK_MS = 10;
/** Between two requests for the wheel, and until one counts as lost, ms. */
const ASK_MS = 300;
const ASK_ANEW_MS = 3_000;
/** Faster than a car that stands, m/s. */
const MOVING = 0.3;
/** A stop that is not in force after so long counts as never, ms. */
const STOP_MS = 10_000;
const topics = createTopics();

let setup: Setup;
let end: OperatorEnd;
let stopper: MqttClient;
let connection: werift.RTCPeerConnection | null = null;
/** What the broker has of the car's safety. */
let published = '';
let answeredAt = performance.now();
let safety = '';
let seen = nothing();

function nothing(): Seen {
  return {
    answers: 0,
    gapMs: 0,
    unsafe: [],
    session: null,
    ended: 0,
    speed: 0,
    pictures: 0,
    keyPictures: 0,
  };
}

/** An honest operator's end of the room. */
function enter(login: Login, createPeer: CreatePeer, on: Partial<Parameters<typeof createOperatorEnd>[0]>) {
  const { mqttUrl: url, room, vehicleKey } = setup;
  const { id: self, password, secretKey, pass } = login;
  return createOperatorEnd({
    url,
    room,
    self,
    createPeer,
    arrival: 'entered',
    ...(password === null ? {} : { credentials: fixedCredentials(self, password) }),
    keys: keyStore(vehicleKey),
    identity: { secretKey, pass: () => pass },
    onView() {},
    onState() {},
    clock: systemClock,
    ...on,
  });
}

/** A peer whose answers want the other end to begin the DTLS handshake (RFC 8842 has it that it may). */
function passively(createPeer: CreatePeer): CreatePeer {
  return (handlers) => {
    const peer = createPeer(handlers);
    return {
      ...peer,
      async acceptOffer(sdp) {
        const answer = await peer.acceptOffer(sdp);
        // werift takes its role from what it has answered itself.
        for (const transport of connection?.dtlsTransports ?? [])
          Object.defineProperty(transport, 'role', { get: () => 'server', set() {} });
        return answer.replaceAll('a=setup:active', 'a=setup:passive');
      },
    };
  };
}

async function start(given: Setup): Promise<void> {
  setup = given;
  const received = {
    packets: 0,
    nalTypes: new Set<number>(),
    onPicture(_timestamp: number, key: boolean) {
      seen.pictures += 1;
      if (key) seen.keyPictures += 1;
    },
  };
  const peer = weriftOperator(received, (made) => {
    connection = made;
  });
  end = enter(setup.driver, setup.passive ? passively(peer) : peer, {
    onView({ link }, before) {
      const there = ({ phase }: Link) => phase === 'connected' || phase === 'restoring';
      if (there(before.link) && !there(link)) seen.ended += 1;
    },
    onState({ speed, safety: now }, rttMs) {
      const at = performance.now();
      if (now !== safety && now !== 'driving') seen.unsafe.push(now);
      safety = now;
      seen.speed = speed;
      if (rttMs === null) return;
      seen.answers += 1;
      seen.gapMs = Math.max(seen.gapMs, at - answeredAt);
      answeredAt = at;
    },
  });
  // Whoever has been stopped lets go of the throttle once.
  setInterval(() => {
    const throttle = mayMove() ? 0.5 : 0;
    end.command({ steer: 0, throttle, brake: 0, gear: 'D' });
  }, COMMAND_MS);
  const { id, password } = setup.stopper;
  const login = password === null ? {} : { username: id, password };
  stopper = await mqtt.connectAsync(setup.mqttUrl, { protocolVersion: 4, clientId: id, ...login });
  stopper.on('message', (_topic, payload) => {
    // Empty when the car goes.
    published = payload.length > 0 ? JSON.parse(payload.toString()).state : '';
  });
  await stopper.subscribeAsync(topics.safety(setup.room), { qos: 1 });
}

async function until(condition: () => boolean, patienceMs: number): Promise<boolean> {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(LOOK_MS))
    if (condition()) return true;
  return condition();
}

/** Takes the wheel, and ends what has stopped the car. On a busy machine it lets itself be driven slowly only. */
function drives(patienceMs: number): Promise<boolean> {
  let askedAt = performance.now();
  return until(() => {
    const { link, claim } = end.view;
    if (link.phase !== 'connected') return false;
    if (claim.state === 'held' && mayMove() && seen.speed > MOVING) return true;
    const asked = claim.state === 'asked';
    // An answer may never come: the car may have been another one when it was asked.
    if (performance.now() - askedAt < (asked ? ASK_ANEW_MS : ASK_MS)) return false;
    askedAt = performance.now();
    if (safety === 'estopped') end.reset();
    if (asked) end.release();
    if (claim.state !== 'held') end.request();
    return false;
  }, patienceMs);
}

const mayMove = () => safety === 'driving' || safety === 'degraded';

/** Over MQTT alone, as somebody does who only sees the car. */
async function stop(): Promise<number | null> {
  if (published === 'estopped') return null;
  const from = performance.now();
  const text = buildMessage('estop', { from: setup.stopper.id, reason: 'a test' }, Date.now());
  stopper.publish(topics.estop(setup.room), text, { qos: 1 });
  return (await until(() => published === 'estopped', STOP_MS)) ? performance.now() - from : null;
}

async function send({ packets, perMs }: { packets: string[]; perMs: number }): Promise<void> {
  for (const [index, text] of packets.entries()) {
    await connection?.iceTransports[0]?.connection.send(Buffer.from(text, 'base64'))?.catch(() => {});
    if (index % perMs === perMs - 1) await sleep(1);
  }
}

async function arrive(login: Login, patienceMs: number): Promise<number | null> {
  const from = performance.now();
  const newcomer = enter(login, weriftOperator({ packets: 0, nalTypes: new Set() }), {});
  const connected = await until(() => newcomer.view.link.phase === 'connected', patienceMs);
  const took = performance.now() - from;
  await newcomer.close();
  return connected ? took : null;
}

function look(): Seen {
  const { link } = end.view;
  const session = link.phase === 'connected' ? link.session : null;
  // One that has not come yet has not come for so long.
  const gapMs = Math.max(seen.gapMs, performance.now() - answeredAt);
  return { ...seen, session, gapMs };
}

async function answerTo(asked: Asked): Promise<unknown> {
  if ('setup' in asked) return start(asked.setup);
  if ('look' in asked) return look();
  if ('drive' in asked) return drives(asked.drive);
  if ('stop' in asked) return stop();
  if ('send' in asked) return send(asked.send);
  if ('arrive' in asked) return arrive(asked.arrive, asked.patienceMs);
  seen = { ...nothing(), speed: seen.speed };
  answeredAt = performance.now();
}

process.on('message', ({ id, asked }: { id: number; asked: Asked }) => {
  void answerTo(asked).then((answer = null) => process.send?.({ id, answer }));
});
// With its parent.
process.on('disconnect', () => process.exit());
