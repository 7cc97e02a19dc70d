/** Packets from nobody of the session, to the ports of a vehicle that somebody drives: the session goes on. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ATTRIBUTE, encodeStun, METHOD, stunMessage } from '../../vehicle/webrtc/stun.ts';
import { type Meeting, meet } from './operator-end.ts';

/** RFC 6347: content types and versions. */
const ALERT = 21;
const HANDSHAKE = 22;
const DTLS_1_2 = [0xfe, 0xfd];
const CLIENT_KEY_EXCHANGE = 16;
/** RFC 8445, section 16.1. */
const ICE_CONTROLLING = 0x802a;
const PRIORITY = 0x0024;

/** A session, what it is reached at, and a stranger. */
async function attacked() {
  const meeting = meet();
  await meeting.negotiate();
  await meeting.vehicle.until('open');
  await meeting.heard();
  const line = meeting.vehicle.candidates.find(
    (each) => / typ host/.test(each) && isIPv4(each.split(' ')[4] ?? ''),
  );
  const [, , , , host = '', port = ''] = line?.split(' ') ?? [];
  const stranger = createSocket('udp4');
  onTestFinished(() => void stranger.close());
  return { meeting, stranger, send: (packet: Buffer) => sent(stranger, packet, Number(port), host) };
}

const sent = (socket: Socket, packet: Buffer, port: number, host: string) =>
  new Promise<void>((resolve) => socket.send(packet, port, host, () => resolve()));

const record = (type: number, epoch: number, body: Buffer): Buffer => {
  const head = Buffer.from([type, ...DTLS_1_2, 0, epoch, 0, 0, 0, 0, 0, 7, 0, 0]);
  head.writeUInt16BE(body.length, 11);
  return Buffer.concat([head, body]);
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Both ways, and nothing has ended. */
async function goesOn({ vehicle, operator, heard }: Meeting): Promise<void> {
  await heard();
  const answer = operator.channels.events.onMessage.asPromise();
  expect(vehicle.peer.send('events', 'still here')).toBe(true);
  await answer;
  expect(vehicle.said.filter((what) => /^(closed|failed)/.test(what))).toEqual([]);
}

test.each([
  ['thirteen bytes of an unknown content type', record(99, 0, Buffer.alloc(0))],
  ['a close_notify in clear', record(ALERT, 0, Buffer.from([1, 0]))],
  ['a fatal alert in clear', record(ALERT, 0, Buffer.from([2, 40]))],
])('%s', async (_what, packet) => {
  const { meeting, send } = await attacked();
  for (let times = 0; times < 20; times++) await send(packet);
  await wait(200);
  await goesOn(meeting);
});

test('junk ClientKeyExchange, 33 a second', async () => {
  const { meeting, send } = await attacked();
  const body = Buffer.concat([
    Buffer.from([CLIENT_KEY_EXCHANGE, 0, 0, 66, 0, 2, 0, 0, 0, 0, 0, 66, 65]),
    Buffer.alloc(65, 7),
  ]);
  for (let times = 0; times < 66; times++) {
    await send(record(HANDSHAKE, 0, body));
    await wait(30);
  }
  await goesOn(meeting);
});

test('a check without integrity that wants to control, with the largest tie-breaker', async () => {
  const { meeting, send } = await attacked();
  const check = stunMessage(METHOD.BINDING, 'request');
  check.attributes
    .set(ATTRIBUTE.USERNAME, Buffer.from('some:body'))
    .set(PRIORITY, Buffer.from([0x7e, 0xff, 0xff, 0xff]))
    .set(ICE_CONTROLLING, Buffer.alloc(8, 0xff));
  for (let times = 0; times < 20; times++) await send(encodeStun(check));
  await wait(200);
  await goesOn(meeting);
});

test('20,000 packets of every kind: the session goes on, and nothing of them stays', async () => {
  const { meeting, send } = await attacked();
  const random = xorshift(20_261_128);
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 20_000; count++) await send(packetOf(random));
  await wait(500);
  await goesOn(meeting);
  expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20);
}, 60_000);

/** STUN, DTLS of every type and epoch, RTP and noise. */
function packetOf(random: () => number): Buffer {
  const noise = Buffer.from(Array.from({ length: random() % 120 }, () => random() & 255));
  const kind = random() % 4;
  if (kind === 0) {
    const kinds = ['request', 'indication', 'success', 'error'] as const;
    const message = stunMessage(
      random() % 256,
      kinds[random() % 4] ?? 'request',
      Buffer.alloc(12, random() & 255),
    );
    for (let left = random() % 5; left > 0; left--) message.attributes.set(random() & 0xffff, noise);
    return encodeStun(message, random() % 2 ? Buffer.from('guessed') : undefined);
  }
  if (kind === 1) return record(20 + (random() % 44), random() % 3, noise);
  if (kind === 2) return Buffer.concat([Buffer.from([0x80, 96 + (random() % 130)]), noise]);
  return noise;
}

/** 32 bits each time, the same every time. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
