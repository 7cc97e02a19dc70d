/** In whose name an emergency stop is, as a vehicle and everybody else hear it of the broker. */
import { expect, test } from 'vitest';
import { buildMessage, EstopSchema } from '../../../shared/messages.ts';
import { guardedServer } from '../../helpers/access.ts';
import { connectMqtt, nextMessage } from '../../helpers/mqtt-clients.ts';
import { testVehicle } from '../../helpers/room.ts';

const TOPIC = 'rooms/car1/estop';

async function listening() {
  const server = await guardedServer();
  const car = await connectMqtt(server.mqttUrl, await server.login('car1', 'vehicle', ['car1']));
  await car.subscribeAsync(TOPIC, { qos: 1 });
  const next = () => nextMessage(car).then(({ text }) => text);
  return { ...server, next };
}

const inNameOf = (from: string, reason?: string) =>
  buildMessage('estop', { from, ...(reason === undefined ? {} : { reason }) }, 1_000);

test.each([
  ['in its own name', inNameOf('op-1', 'a dog'), { from: 'op-1', reason: 'a dog', ts: 1_000 }],
  ['in a supervisor’s name', inNameOf('sv-1', 'a dog'), { from: 'op-1', reason: 'a dog', ts: 1_000 }],
  ['in the vehicle’s name', inNameOf('car1'), { from: 'op-1', ts: 1_000 }],
  ['in two names', '{"v":1,"ts":1000,"from":"sv-1","from":"op-1"}', { from: 'op-1', ts: 1_000 }],
  ['in words', 'people on the road', { from: 'op-1', reason: 'people on the road' }],
  ['that is empty', '', { from: 'op-1' }],
  ['of another kind of JSON', '{"v":2,"from":"sv-1"}', { from: 'op-1' }],
  ['of bytes', '\u0000\u001b[2J', { from: 'op-1' }],
  ['of words that turn themselves around', 'a \u202Egod', { from: 'op-1' }],
])(
  'a stop %s gets through, in the name of who publishes it, at every QoS',
  async (_what, payload, expected) => {
    const { mqttUrl, login, next } = await listening();
    const operator = await connectMqtt(mqttUrl, await login('op-1', 'operator', ['car1']));
    for (const qos of [0, 1, 2] as const) {
      const heard = next();
      await operator.publishAsync(TOPIC, payload, { qos });
      const text = await heard;
      expect(EstopSchema.parse(JSON.parse(text))).toEqual({ v: 1, ts: expect.any(Number), ...expected });
      expect(text.match(/"from"/g)).toHaveLength(1);
    }
  },
);

test('a program whose client id is no peer’s stops in the name of its token, and a false one is told of once', async () => {
  const { mqttUrl, login, next, entries } = await listening();
  const program = { ...(await login('op-1', 'operator', ['car1'])), clientId: 'mosqpub|7-Desk' };
  const client = await connectMqtt(mqttUrl, program);
  for (const from of ['command-line', 'sv-1', 'sv-2']) {
    const heard = next();
    await client.publishAsync(TOPIC, inNameOf(from), { qos: 1 });
    expect(JSON.parse(await heard).from).toBe('op-1');
  }
  const said = entries.filter(({ message }) => message === 'emergency stop passed on in its own name');
  expect(said.map(({ fields }) => fields)).toMatchObject([
    { client: 'mosqpub|7-Desk', peer: 'op-1', reason: "it was in the name of 'sv-1'" },
  ]);
});

test('the vehicle says by whom it was really stopped', async () => {
  const { mqttUrl, login } = await guardedServer();
  const { password: token } = await login('car1', 'vehicle', ['car1']);
  await testVehicle(mqttUrl, { token });
  const monitor = await connectMqtt(mqttUrl, await login('mon-1', 'monitor', ['*']));
  const stopped = new Promise<string>((resolve) =>
    monitor.on('message', (_topic, payload) => {
      if (payload.includes('estopped')) resolve(JSON.parse(payload.toString()).reason);
    }),
  );
  await monitor.subscribeAsync('rooms/car1/safety', { qos: 1 });
  const operator = await connectMqtt(mqttUrl, await login('op-1', 'operator', ['car1']));
  await operator.publishAsync(TOPIC, inNameOf('sv-1', 'a dog'), { qos: 1 });
  expect(await stopped).toBe('by op-1: a dog');
});
