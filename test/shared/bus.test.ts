/** One MQTT connection and a broker, with a line between them that goes dead without a word. */
import { expect, onTestFinished, test } from 'vitest';
import { type BusState, createBus } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { deadLine } from '../helpers/line.ts';
import { startMosquitto } from '../helpers/mosquitto.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { testServer } from '../helpers/room.ts';

/** Against hanging only. */
const POLL = { timeout: 10_000 };

function testBus(url: string) {
  const states: BusState[] = [];
  const bus = createBus({
    url,
    clientId: 'op-bus',
    filters: ['rooms/+/peers/+'],
    onMessage: () => {},
    onState: (state) => void states.push(state),
    clock: systemClock,
  });
  onTestFinished(() => bus.close());
  const connected = () => expect.poll(() => bus.state.state, POLL).toBe('connected');
  return { bus, states, connected };
}

test.each(['the embedded broker', 'Mosquitto'])(
  'on %s, a line that is dead is found out when asked about, and another one made',
  async (broker) => {
    const url = broker === 'Mosquitto' ? (await startMosquitto()).url : (await testServer()).mqttUrl;
    const line = await deadLine(url);
    const { bus, states, connected } = testBus(line.url);
    await connected();
    line.die();
    /** Asked until then: an answer to what was said before may still have been on its way. */
    const asked = () => {
      if (states.length === 1) bus.check();
      return states.map(({ state }) => state);
    };
    await expect.poll(asked, POLL).toEqual(['connected', 'offline', 'connected']);
    expect(states[1]).toMatchObject({
      detail: expect.stringMatching(/^the broker did not answer for \d+ ms$/),
    });
    expect(line.opened()).toBe(2);
  },
);

test('a line that works is kept when it is asked about', async () => {
  const line = await deadLine((await testServer()).mqttUrl);
  const { bus, states, connected } = testBus(line.url);
  await connected();
  const before = line.carried();
  /** A PINGRESP is 2 bytes, and the next PINGREQ is sent when the last was answered. */
  const answers = () => {
    bus.check();
    return (line.carried() - before) / 2;
  };
  await expect.poll(answers, POLL).toBeGreaterThan(5);
  expect(states.map(({ state }) => state)).toEqual(['connected']);
  expect(line.opened()).toBe(1);
});

test('a server that is full is asked again, until it has a place', async () => {
  const { mqttUrl } = await testServer({ limits: { connections: 2 } });
  const others = [await connectMqtt(mqttUrl), await connectMqtt(mqttUrl)];
  const { bus, states, connected } = testBus(mqttUrl);
  await expect.poll(() => states.map(({ state }) => state), POLL).toContain('offline');
  expect(bus.state.state).not.toBe('refused');
  await others[0]?.endAsync();
  await connected();
});
