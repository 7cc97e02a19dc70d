/** Operators who say more than they may, beside one who drives: with a real broker and agent, WebRTC on both ends. */
import { onTestFinished, test } from 'vitest';
import type { ChannelName } from '../shared/channels.ts';
import { type TestOperator, testOperator, testServer, testVehicle } from './helpers/room.ts';

const AHEAD = { steer: 0, throttle: 0.4, brake: 0, gear: 'D' } as const;

async function driver(url: string): Promise<TestOperator> {
  const operator = testOperator(url);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  operator.drive(AHEAD);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 1);
  return operator;
}

/** Some 1,000 messages a second, until the test is over. */
function flood(operator: TestOperator, channel: ChannelName, text: () => string): void {
  const timer = setInterval(() => {
    for (let sent = 0; sent < 10; sent++) operator.sendOn(channel, text());
  }, 10);
  onTestFinished(() => clearInterval(timer));
}

const clock = () => JSON.stringify({ type: 'clock', ts: Date.now(), t: Date.now() });

test.each<[string, 'entered' | 'preparing', ChannelName, () => string]>([
  ['clock events', 'entered', 'events', clock],
  ['clock events, before it has entered', 'preparing', 'events', clock],
  ['text that is no message', 'entered', 'events', () => 'x'.repeat(1_000)],
  ['beats', 'entered', 'control', () => '{}'],
])('who floods with %s is put out, and the one who drives drives on', async (_, arrival, channel, text) => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const honest = await driver(mqttUrl);
  const other = testOperator(mqttUrl, 'car1', 'rooms', arrival);
  await other.until('connected', ({ link }) => link.phase === 'connected');
  flood(other, channel, text);
  await other.until('put out', ({ link }) => link.phase === 'ended' && link.reason === 'refused');
  await honest.until('it drives', (_, state) => state?.safety === 'driving' && state.speed > 1);
});
