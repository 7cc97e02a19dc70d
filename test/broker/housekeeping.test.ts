/** What is cleared after a vehicle that died, and what is not. */
import { describe, expect, test } from 'vitest';
import { createLeftovers } from '../../broker/housekeeping.ts';
import { buildMessage, type Presence } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import { startMosquitto } from '../helpers/mosquitto.ts';
import { connectMqtt, retainedMessages } from '../helpers/mqtt-clients.ts';
import { testListener, testServer } from '../helpers/room.ts';

const topics = createTopics();

const presence = (state: Presence['state'], epoch: number, role: Presence['role'] = 'vehicle') =>
  buildMessage('presence', { state, role, epoch, since: 1 }, 1);
const offer = (room: string, epoch: number) =>
  buildMessage('offer', { from: room, epoch, phase: 'waiting', sessions: [] }, 1);
const lease = buildMessage('lease', { holder: 'op-1', since: 1 }, 1);
const safety = buildMessage('safety', { state: 'driving', since: 1 }, 1);
const telemetry = buildMessage('telemetry', { values: { 'Vehicle.Speed': 3 } }, 1);

describe('by the books', () => {
  const messages = (...list: [topic: string, text: string][]) => {
    const house = createLeftovers('rooms');
    const results = list.map(([topic, text]) => house.receive(topic, Buffer.from(text)));
    return {
      gone: results.map(({ gone }) => gone).filter((room) => room !== null),
      problems: results.map(({ problem }) => problem).filter((text) => text !== null),
      leftovers: house.leftovers('car1').map(({ topic }) => topic),
    };
  };
  const left: [string, string][] = [
    [topics.offer('car1'), offer('car1', 5)],
    [topics.lease('car1'), lease],
    [topics.safety('car1'), safety],
  ];
  const own = topics.presence('car1', 'car1');

  test.each(['lost', 'offline'] as const)('everything goes when a vehicle is %s', (state) => {
    const { gone, leftovers } = messages([own, presence('online', 5)], ...left, [own, presence(state, 5)]);
    expect(gone).toEqual(['car1']);
    expect(leftovers).toEqual(['rooms/car1/offer', 'rooms/car1/lease', 'rooms/car1/safety']);
  });

  test('what had come first, as retained messages do in any order, goes too', () => {
    expect(messages(...left, [own, presence('lost', 5)]).leftovers).toHaveLength(3);
  });

  test('nothing goes while it is online, or is back', () => {
    expect(messages([own, presence('online', 5)], ...left).leftovers).toEqual([]);
    expect(messages(...left, [own, presence('lost', 5)], [own, presence('online', 6)]).leftovers).toEqual([]);
  });

  test('nothing of a later run goes', () => {
    expect(messages(...left, [own, presence('lost', 4)]).leftovers).toEqual([]);
  });

  test('what is cleared already is not cleared again', () => {
    const cleared = left.map(([topic]): [string, string] => [topic, '']);
    expect(messages(...left, [own, presence('lost', 5)], ...cleared).leftovers).toEqual([]);
  });

  test('an operator’s death, or one that somebody else announces, changes nothing', () => {
    const operator = topics.presence('car1', 'op-1');
    expect(messages(...left, [operator, presence('lost', 5, 'operator')]).gone).toEqual([]);
    expect(messages(...left, [operator, presence('lost', 5)]).gone).toEqual([]);
    expect(messages(...left, [own, presence('lost', 5, 'operator')]).leftovers).toEqual([]);
  });

  test('what does not parse is told, and changes nothing', () => {
    const { problems, leftovers } = messages(
      ...left,
      [own, '{"state":"lost"}'],
      [own, 'x'],
      ['rooms/car1/offer', '7'],
    );
    expect(problems).toHaveLength(3);
    expect(leftovers).toEqual([]);
  });
});

/** A vehicle that has left everything that a vehicle leaves. */
async function vehicle(url: string, room: string, epoch: number) {
  const will = {
    topic: topics.presence(room, room),
    payload: presence('lost', epoch),
    qos: 1 as const,
    retain: true,
  };
  const client = await connectMqtt(url, { clientId: room, will });
  const retain = { qos: 1 as const, retain: true };
  await client.publishAsync(topics.presence(room, room), presence('online', epoch), retain);
  await client.publishAsync(topics.offer(room), offer(room, epoch), retain);
  await client.publishAsync(topics.lease(room), lease, retain);
  await client.publishAsync(topics.safety(room), safety, retain);
  await client.publishAsync(topics.telemetry(room), telemetry, retain);
  return { kill: () => client.stream.destroy() };
}

const brokers = {
  'the embedded broker': async () => (await testServer()).mqttUrl,
  'an external Mosquitto': async () => {
    const mosquitto = await startMosquitto();
    await testServer({ external: { url: mosquitto.url, pageUrl: mosquitto.webSocketUrl } });
    return mosquitto.url;
  },
};

describe.each(Object.entries(brokers))('on %s', (_name, start) => {
  test('a killed vehicle’s offer state, lease and safety go; its presence, its telemetry and a restarted one’s stay', async () => {
    const url = await start();
    const ears = await testListener(url);
    const [restarted, killed] = [await vehicle(url, 'car1', 100), await vehicle(url, 'car2', 200)];
    restarted.kill();
    const isLoss = (room: string) => (heard: { topic: string; text: string }) =>
      heard.topic === topics.presence(room, room) && heard.text.includes('"lost"');
    await ears.message('the loss of car1', isLoss('car1'));
    await vehicle(url, 'car1', 101);
    killed.kill();
    for (const topic of [topics.offer('car2'), topics.lease('car2'), topics.safety('car2')]) {
      await ears.message(`${topic} cleared`, (heard) => heard.topic === topic && heard.text === '');
    }
    // car1 went first, so its turn has passed.
    const retained = await retainedMessages(url);
    expect(Object.keys(retained).sort()).toEqual([
      'rooms/car1/lease',
      'rooms/car1/offer',
      'rooms/car1/peers/car1',
      'rooms/car1/safety',
      'rooms/car1/telemetry',
      'rooms/car2/peers/car2',
      'rooms/car2/telemetry',
    ]);
    expect(JSON.parse(retained['rooms/car1/offer'] ?? '')).toMatchObject({ epoch: 101 });
    expect(JSON.parse(retained['rooms/car2/peers/car2'] ?? '')).toMatchObject({ state: 'lost', epoch: 200 });
  });
});
