/** What connected clients may send, at the wire. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Gate, OPEN_GATE } from '../../../broker/access/gate.ts';
import type { Grant } from '../../../broker/access/tokens.ts';
import { createBroker } from '../../../broker/broker.ts';
import { createGuard } from '../../../broker/limits/guard.ts';
import { DEFAULT_LIMITS, type LimitName } from '../../../broker/limits/limits.ts';
import { createMqttTcp } from '../../../broker/mqtt-tcp.ts';
import { limitedServer } from '../../helpers/limited-server.ts';
import { closed, connectMqtt, nextMessage, retainedMessages } from '../../helpers/mqtt-clients.ts';
import { fixedHeader, publishPacket, rawClient, subscribePacket } from '../../helpers/raw-mqtt.ts';
import { silent } from '../../helpers/room.ts';

const rates = (name: 'messages' | 'bytes', anyone: number) => ({
  [name]: { ...DEFAULT_LIMITS[name], anyone },
});

/** Publishes, and resolves when the client was closed for it. */
async function closedFor(client: MqttClient, topic: string, payload = 'x', retain = false): Promise<void> {
  const end = closed(client);
  client.publish(topic, payload, { qos: 1, retain });
  await end;
}

describe('size', () => {
  test.each([
    ['a message of 200 MB', 'messageBytes', 0x30, 200_000_000],
    ['a SUBSCRIBE of 1 MB', 'controlBytes', 0x82, 1_000_000],
  ] as const)('%s is refused by its first five bytes', async (_, limit, first, length) => {
    const { mqttUrl, said, hits } = await limitedServer({});
    const bystander = await connectMqtt(mqttUrl);
    const offender = await rawClient(mqttUrl, 'offender');
    offender.socket.write(fixedHeader(first, length));
    await offender.closed;
    const [line, ...more] = said(limit);
    expect(line?.fields).toMatchObject({ client: 'offender', transport: 'tcp' });
    expect(line?.fields.reason).toMatch(/^a packet of \d+ bytes, and at most \d+ are taken$/);
    expect(more).toEqual([]);
    expect(await hits(limit === 'messageBytes' ? 'message-bytes' : 'control-bytes')).toBe(1);
    await bystander.publishAsync('rooms/car1/offer', 'x', { qos: 1 });
  });

  test('the largest message is passed on, and one byte more ends the connection', async () => {
    const { mqttUrl, webSocketUrl, hits } = await limitedServer({ messageBytes: 64 * 1024 });
    const reader = await connectMqtt(mqttUrl);
    await reader.subscribeAsync('rooms/#');
    const message = nextMessage(reader);
    const writer = await connectMqtt(webSocketUrl);
    await writer.publishAsync('rooms/car1/x', 'y'.repeat(64 * 1024), { qos: 1 });
    expect((await message).text).toHaveLength(64 * 1024);
    await closedFor(writer, 'rooms/car1/x', 'y'.repeat(64 * 1024 + 1));
    expect(await hits('message-bytes')).toBe(1);
  });
});

test.each([
  ['topicBytes', 'topic-bytes', `rooms/${'x'.repeat(70)}`],
  ['topicLevels', 'topic-levels', 'rooms/1/2/3/4/5/6'],
] as const)(
  'over %s a filter is answered with 128, and a message with the end',
  async (limit, label, topic) => {
    const { mqttUrl, hits, said } = await limitedServer({ topicBytes: 64, topicLevels: 6 });
    const client = await connectMqtt(mqttUrl, { clientId: 'offender' });
    const granted = await client.subscribeAsync(['rooms/a', topic], { qos: 1 }).catch((error) => error);
    expect(granted).toMatchObject({ packet: { granted: [1, 128] } });
    await closedFor(client, topic);
    expect(await hits(label)).toBe(2);
    expect(said(limit).map(({ message }) => message)).toEqual(['MQTT subscription refused', 'over a limit']);
  },
);

test('over subscriptions SUBACK says so for each, and giving one up makes room', async () => {
  const { mqttUrl, hits, said } = await limitedServer({ subscriptions: 3 });
  const client = await connectMqtt(mqttUrl);
  const suback = new Promise((resolve) => client.once('packetreceive', resolve));
  const filters = Array.from({ length: 10 }, (_, i) => `rooms/car1/${i}`);
  await client.subscribeAsync(filters, { qos: 1 }).catch(() => {});
  expect(await suback).toMatchObject({ cmd: 'suback', granted: [1, 1, 1, ...Array(7).fill(128)] });
  await client.unsubscribeAsync('rooms/car1/0');
  await client.subscribeAsync('rooms/car1/7', { qos: 1 });
  expect(await hits('subscriptions')).toBe(7);
  expect(said('subscriptions')).toHaveLength(1);
});

test('over rooms a filter is answered with 128, and a message with the end', async () => {
  const { mqttUrl, hits } = await limitedServer({ rooms: 2 });
  const client = await connectMqtt(mqttUrl);
  await client.subscribeAsync(['rooms/+/lease', 'rooms/car1/lease']);
  await client.publishAsync('rooms/car2/x', 'y', { qos: 1 });
  await expect(client.subscribeAsync('rooms/car3/lease')).rejects.toMatchObject({
    packet: { granted: [128] },
  });
  await closedFor(client, 'rooms/car3/x');
  expect(await hits('rooms')).toBe(2);
});

describe('rate', () => {
  test('acknowledgements of what was never sent count as messages', async () => {
    const limits = { ...rates('messages', 10), slowedSeconds: 1 };
    const { mqttUrl, logged } = await limitedServer(limits);
    const offender = await rawClient(mqttUrl, 'offender');
    offender.socket.write(Buffer.concat(Array(20_000).fill(Buffer.from([0x40, 2, 0, 1]))));
    await offender.closed;
    await logged((entry) => entry.fields.limit === 'slowed-seconds');
  });

  test('who is faster is slowed: all is acknowledged and passed on in order, and others are not held up', async () => {
    const { mqttUrl, hits, said } = await limitedServer(rates('messages', 20));
    const reader = await connectMqtt(mqttUrl);
    await reader.subscribeAsync('rooms/#', { qos: 1 });
    const received: string[] = [];
    const all = Promise.withResolvers<void>();
    const count = 130;
    reader.on('message', (_topic, payload) => {
      received.push(String(payload));
      if (received.length === count + 1) all.resolve();
    });
    const other = await connectMqtt(mqttUrl);
    const offender = await connectMqtt(mqttUrl, { clientId: 'offender' });
    const sent = Array.from({ length: count }, (_, i) =>
      offender.publishAsync('rooms/car1/x', String(i), { qos: 1 }),
    );
    await sent[99];
    await other.publishAsync('rooms/car2/x', 'other', { qos: 1 });
    await Promise.all(sent);
    await all.promise;
    const place = received.indexOf('other');
    expect(place).toBeLessThan(count);
    expect(received.toSpliced(place, 1)).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    expect(said('messages')).toMatchObject([
      { message: 'MQTT client slowed', fields: { client: 'offender' } },
    ]);
    expect(await hits('messages')).toBe(1);
  });

  test.each([
    ['messages', rates('messages', 10), 0],
    ['bytes', rates('bytes', 1024), 1000],
  ] as const)('who goes on with too many %s is closed', async (limit, limits, size) => {
    const { mqttUrl, webUrl, logged, hits } = await limitedServer({ ...limits, slowedSeconds: 1 });
    const offender = await rawClient(mqttUrl, 'offender');
    offender.socket.write(Buffer.concat(Array(20_000).fill(publishPacket('rooms/x/y', 'z'.repeat(size)))));
    await offender.closed;
    const { fields } = await logged((entry) => entry.fields.limit === 'slowed-seconds');
    expect(fields.reason).toMatch(new RegExp(`^more than \\d+ ${limit} a second for 1 s$`));
    expect([await hits(limit), await hits('slowed-seconds')]).toEqual([1, 1]);
    expect((await fetch(`${webUrl}/healthz`)).status).toBe(200);
  });

  test('pings and subscriptions count too', async () => {
    const { mqttUrl, logged } = await limitedServer(rates('messages', 10));
    const offender = await rawClient(mqttUrl, 'offender');
    offender.socket.write(Buffer.concat(Array(60).fill(Buffer.from([0xc0, 0x00]))));
    await logged(({ fields }) => fields.limit === 'messages' && fields.client === 'offender');
    while (offender.received().length < 4 + 60 * 2) await once(offender.socket, 'data');
  });

  test('is that of the client’s role', async () => {
    const hit: LimitName[] = [];
    const limits = { ...DEFAULT_LIMITS, messages: { ...DEFAULT_LIMITS.messages, monitor: 1, vehicle: 1000 } };
    const guard = createGuard({ limits, root: 'rooms', onHit: (limit) => hit.push(limit) }, silent);
    const gate: Gate = {
      ...OPEN_GATE,
      grantOf: ({ id: sub }) =>
        ({ id: sub, sub, from: [], role: sub === 'car1' ? 'vehicle' : 'monitor' }) as unknown as Grant,
    };
    const broker = await createBroker(guard, silent, () => gate);
    const tcp = createMqttTcp(broker, guard);
    tcp.server.listen(0, '127.0.0.1');
    await once(tcp.server, 'listening');
    onTestFinished(async () => {
      await broker.close();
      await tcp.close();
      guard.close();
    });
    const url = `mqtt://127.0.0.1:${(tcp.server.address() as AddressInfo).port}`;
    const burst = async (clientId: string) => {
      const client = await connectMqtt(url, { clientId });
      const sent = Array.from({ length: 6 }, () => client.publishAsync('rooms/car1/x', 'y', { qos: 1 }));
      await Promise.all(sent);
    };
    await burst('car1');
    expect(hit).toEqual([]);
    await burst('onlooker');
    expect(hit).toEqual(['messages']);
  });
});

describe('retained messages', () => {
  test('are counted as they are kept, replaced and cleared', async () => {
    const { mqttUrl, used } = await limitedServer({});
    const client = await connectMqtt(mqttUrl);
    const retain = { qos: 1 as const, retain: true };
    const both = async () => [await used('retained-messages'), await used('retained-bytes')];
    expect(await both()).toEqual([0, 0]);
    await client.publishAsync('rooms/car1/lease', '12345', retain);
    await client.publishAsync('rooms/car2/lease', '12345', { qos: 0, retain: true });
    await expect.poll(both).toEqual([2, 42]);
    await client.publishAsync('rooms/car1/lease', '1', retain);
    await expect.poll(both).toEqual([2, 38]);
    await client.publishAsync('rooms/car1/lease', '', retain);
    await expect.poll(both).toEqual([1, 21]);
    expect(await retainedMessages(mqttUrl)).toEqual({ 'rooms/car2/lease': '12345' });
  });

  test('over the limit: at QoS 1 the client is closed, at QoS 0 the message is passed on and not kept', async () => {
    const { mqttUrl, used, hits, said } = await limitedServer({ retainedMessages: 2 });
    const client = await connectMqtt(mqttUrl, { clientId: 'offender' });
    const retain = { qos: 1 as const, retain: true };
    await client.publishAsync('rooms/car1/a', 'x', retain);
    await client.publishAsync('rooms/car1/b', 'x', retain);
    const reader = await connectMqtt(mqttUrl);
    await reader.subscribeAsync('rooms/car1/c');
    const message = nextMessage(reader);
    client.publish('rooms/car1/c', 'y', { qos: 0, retain: true });
    expect((await message).text).toBe('y');
    await closedFor(client, 'rooms/car1/d', 'x', true);

    // What is there may still be replaced, by anybody who may publish there.
    const other = await connectMqtt(mqttUrl);
    await other.publishAsync('rooms/car1/a', 'z', retain);
    expect(await used('retained-messages')).toBe(2);
    expect(await hits('retained-messages')).toBe(2);
    expect(said('retainedMessages').map(({ message: text }) => text)).toEqual([
      'retained message passed on, not kept',
      'over a limit',
    ]);
  });

  test.each(['retainedBytes', 'retainedPerClient'] as const)('a flood stops at %s', async (limit) => {
    const most = limit === 'retainedBytes' ? 64 * 1024 : 10;
    const { mqttUrl, used, hits, said } = await limitedServer({ [limit]: most });
    const client = await connectMqtt(mqttUrl);
    const end = closed(client);
    for (let i = 0; i < 100; i++) {
      client.publish(`rooms/car1/${i}`, 'x'.repeat(1000), { qos: 1, retain: true });
    }
    await end;
    expect(await hits(limit === 'retainedBytes' ? 'retained-bytes' : 'retained-per-client')).toBeGreaterThan(
      0,
    );
    expect(await used('retained-messages')).toBe(limit === 'retainedBytes' ? 64 : 10);
    expect(said(limit)).toHaveLength(1);
  });

  test('a subscriber that takes a pause is handed them when it goes on, and others go on meanwhile', async () => {
    const { mqttUrl, said } = await limitedServer({ stalledSeconds: 60 });
    const writer = await connectMqtt(mqttUrl);
    const payload = 'x'.repeat(120_000);
    // More than the kernel takes for a client, and than may wait for it here.
    const count = 100;
    for (let i = 0; i < count; i++) {
      await writer.publishAsync(`rooms/car1/${i}`, payload, { qos: 0, retain: true });
    }
    await writer.publishAsync('rooms/car1/last', 'x', { qos: 1, retain: true });
    const reader = await rawClient(mqttUrl, 'reader');
    reader.socket.write(subscribePacket('rooms/#', 0));
    await once(reader.socket, 'data');
    reader.socket.pause();
    for (let i = 0; i < 500; i++) await writer.publishAsync('rooms/car2/x', 'y', { qos: 1 });
    const all = Promise.withResolvers<number>();
    let bytes = 0;
    let tail = '';
    reader.socket.on('data', (chunk) => {
      bytes += chunk.length;
      tail = (tail + chunk.toString('latin1')).slice(-100);
      if (tail.includes('rooms/car1/last')) all.resolve(bytes);
    });
    reader.socket.resume();
    expect(await all.promise).toBeGreaterThan(0.9 * count * payload.length);
    expect(said('backlogBytes')).toEqual([]);
  });
});

test('no session outlives its connection, whatever is asked for', async () => {
  const { mqttUrl } = await limitedServer({});
  const asked = { clientId: 'sleeper', clean: false };
  const sleeper = await connectMqtt(mqttUrl, asked);
  await sleeper.subscribeAsync('rooms/#', { qos: 1 });
  await sleeper.endAsync();
  const writer = await connectMqtt(mqttUrl);
  await writer.publishAsync('rooms/car1/x', 'while you were away', { qos: 1 });
  const again = mqtt.connect(mqttUrl, { ...asked, protocolVersion: 4, reconnectPeriod: 0 });
  onTestFinished(() => again.endAsync(true));
  const kept = await new Promise((resolve) =>
    again.once('connect', (connack) => resolve(connack.sessionPresent)),
  );
  expect(kept).toBe(false);
  const message = nextMessage(again);
  await again.subscribeAsync('rooms/car2/x', { qos: 1 });
  await writer.publishAsync('rooms/car1/x', 'to nobody', { qos: 1 });
  await writer.publishAsync('rooms/car2/x', 'to you', { qos: 1 });
  expect((await message).text).toBe('to you');
});
