/** A subscriber that is frozen, or gone without a word: the others get everything, and it is closed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MqttClient } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limitedServer } from '../../helpers/limited-server.ts';
import { deadLine } from '../../helpers/line.ts';
import { mosquittoSub } from '../../helpers/mosquitto.ts';
import { closed, connectMqtt } from '../../helpers/mqtt-clients.ts';

const NODE = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
const FROZEN = 'frozen';
const CARS = 5;
const READERS = 3;
type Transport = 'tcp' | 'websocket';
type Server = Awaited<ReturnType<typeof limitedServer>>;

/** A subscriber to everything in a process of its own, which stands still when it has subscribed. */
async function frozenSubscriber(server: Server, transport: Transport, qos: 0 | 1): Promise<void> {
  if (transport === 'tcp') {
    const port = Number(new URL(server.mqttUrl).port);
    const { pid } = await mosquittoSub(port, 'rooms/#', '-q', String(qos), '-i', FROZEN);
    process.kill(pid, 'SIGSTOP');
    return;
  }
  const script = `
    import mqtt from 'mqtt';
    const options = { protocolVersion: 4, keepalive: 30, clientId: '${FROZEN}' };
    const client = await mqtt.connectAsync('${server.webSocketUrl}', options);
    await client.subscribeAsync('rooms/#', { qos: ${qos} });
    console.log('subscribed');`;
  const args = ['--input-type=module', '-e', script];
  const child: ChildProcess = spawn(NODE, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  process.kill(child.pid as number, 'SIGSTOP');
}

/** Cars that publish as fast as everybody but the frozen one takes it, and readers who keep what they got. */
async function busyFleet(server: Server, qos: 0 | 1) {
  const got: number[][] = [];
  let arrived: (() => void) | null = null;
  for (let i = 0; i < READERS; i++) {
    const reader = await connectMqtt(i % 2 ? server.webSocketUrl : server.mqttUrl);
    const mine: number[] = [];
    got.push(mine);
    reader.on('message', (_topic, payload) => {
      mine.push(payload.readUInt32BE(0));
      if (got.every(({ length }) => length === sent)) arrived?.();
    });
    await reader.subscribeAsync('rooms/#', { qos: 1 });
  }
  const cars: MqttClient[] = [];
  for (let i = 0; i < CARS; i++) cars.push(await connectMqtt(server.mqttUrl));
  let sent = 0;
  return {
    got,
    sent: () => sent,
    /** Each car publishes once; resolves when every reader has it all. */
    async round(): Promise<void> {
      const all = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      for (const [car, client] of cars.entries()) {
        const payload = Buffer.alloc(4096);
        payload.writeUInt32BE(sent++);
        client.publish(`rooms/car${car}/telemetry`, payload, { qos });
      }
      await all;
    },
  };
}

const endOf = ({ entries }: Server) =>
  entries.find(({ fields, message }) => fields.client === FROZEN && message === 'over a limit');

describe.each(['tcp', 'websocket'] as const)('over %s', (transport) => {
  test.each([0, 1] as const)('at QoS %i', async (qos) => {
    const server = await limitedServer({ stalledSeconds: 1, answerSeconds: 4 });
    await frozenSubscriber(server, transport, qos);
    const fleet = await busyFleet(server, qos);
    while (!endOf(server)) await fleet.round();
    for (let i = 0; i < 20; i++) await fleet.round();

    const all = Array.from({ length: fleet.sent() }, (_, i) => i);
    for (const mine of fleet.got) expect(mine.toSorted((a, b) => a - b)).toEqual(all);
    for (const mine of fleet.got) {
      // Of one car they come in the order in which it sent them.
      for (let car = 0; car < CARS; car++) {
        const ofCar = mine.filter((number) => number % CARS === car);
        expect(ofCar).toEqual(ofCar.toSorted((a, b) => a - b));
      }
    }
    const limit = endOf(server)?.fields.limit;
    expect(['stalled-seconds', 'backlog-bytes', 'answer-seconds']).toContain(limit);
    expect(await server.hits(String(limit))).toBe(1);
    expect(server.entries.filter(({ fields }) => fields.limit === limit)).toHaveLength(1);
  });
});

test('who acknowledges nothing is closed, though little is sent', async () => {
  const server = await limitedServer({ answerSeconds: 2 });
  await frozenSubscriber(server, 'tcp', 1);
  const writer = await connectMqtt(server.mqttUrl);
  await writer.publishAsync('rooms/car1/lease', 'x', { qos: 1 });
  const { fields } = await server.logged((entry) => entry.fields.limit === 'answer-seconds');
  expect(fields).toMatchObject({ client: FROZEN, reason: 'it acknowledged nothing for 2 s' });
});

test('over WebSocket who does not answer a ping is closed, though nothing is sent', async () => {
  const server = await limitedServer({ answerSeconds: 2 });
  const answering = await connectMqtt(server.webSocketUrl, { keepalive: 30 });
  await frozenSubscriber(server, 'websocket', 0);
  const { fields } = await server.logged((entry) => entry.fields.limit === 'answer-seconds');
  expect(fields).toMatchObject({ client: FROZEN, reason: 'it answered nothing for 2 s' });
  expect(answering.connected).toBe(true);
});

test('a connection that has gone dead without a word is closed', async () => {
  const server = await limitedServer({ answerSeconds: 2 });
  const line = await deadLine(server.mqttUrl);
  const reader = await connectMqtt(line.url, { clientId: 'far', keepalive: 30 });
  await reader.subscribeAsync('rooms/#', { qos: 1 });
  line.die();
  const writer = await connectMqtt(server.mqttUrl);
  await writer.publishAsync('rooms/car1/lease', 'x', { qos: 1 });
  const { fields } = await server.logged((entry) => entry.fields.limit === 'answer-seconds');
  expect(fields.client).toBe('far');
});

test.each(['mqttUrl', 'webSocketUrl'] as const)(
  'who is silent, and has taken everything, stays: %s',
  async (at) => {
    const server = await limitedServer({ stalledSeconds: 1, answerSeconds: 2 });
    const client = await connectMqtt(server[at], { keepalive: 4 });
    const pong = new Promise<void>((resolve) => {
      client.on('packetreceive', ({ cmd }) => void (cmd === 'pingresp' && resolve()));
    });
    await client.subscribeAsync('rooms/#', { qos: 1 });
    await client.publishAsync('rooms/car1/x', 'y'.repeat(60_000), { qos: 1 });
    await Promise.race([pong, closed(client)]);
    expect(client.connected).toBe(true);
    expect(server.entries.filter(({ level }) => level === 'warn')).toEqual([]);
  },
);
