/** The car without its agent: what moves keeps the times by itself, in a process of its own. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Traced } from '../vehicle/simulated/car.ts';
import { spawnCli } from './helpers/cli.ts';
import { testOperator, testServer } from './helpers/room.ts';

/** Against hanging only. */
const POLL = { timeout: 20_000, interval: 20 };
const FULL = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;

/** An agent, and what its car does whatever becomes of the agent. */
async function drivenCar() {
  const folder = await mkdtemp(join(tmpdir(), 'plntry-car-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'trace');
  const { mqttUrl } = await testServer();
  const agent = spawnCli(
    ['vehicle', '--room', 'car1', '--broker', mqttUrl, '--ice-servers', '[]', '--log-level', 'warn'],
    { PLNTRY_CAR_TRACE: file },
  );
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  // Somebody who never lets go.
  operator.hold(FULL);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 3);
  /** What it did. */
  const trace = () =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line): Traced => JSON.parse(line))
      .filter((traced) => 'throttle' in traced);
  return { agent, operator, trace };
}

type Done = ReturnType<Awaited<ReturnType<typeof drivenCar>>['trace']>;
const last = (trace: Done) => trace.at(-1);
/** What came after the last moment with throttle. */
const released = (trace: Done) => trace[trace.findLastIndex(({ throttle }) => throttle > 0) + 1];

test('the agent is stopped at full throttle: the throttle goes, then the brake comes, and when it goes on nothing moves', async () => {
  const { agent, operator, trace } = await drivenCar();
  agent.kill('SIGSTOP');
  await expect.poll(() => last(trace()), POLL).toMatchObject({ throttle: 0, brake: 1 });
  expect(released(trace())).toMatchObject({ throttle: 0, brake: 0 });
  expect(released(trace())?.speed).toBeGreaterThan(2);
  const { length } = trace();
  agent.kill('SIGCONT');
  await operator.until('it stands', (_, state) => state?.safety === 'stopped' && state.speed === 0);
  const since: number[] = [];
  operator.onEveryState(({ speed }) => since.push(speed));
  await operator.until('a while', () => since.length > 40);
  expect(
    trace()
      .slice(length)
      .filter(({ throttle }) => throttle > 0),
  ).toEqual([]);
});

test('the agent is killed at full throttle: the car brakes to a stop, and is gone when it stands', async () => {
  const { agent, trace } = await drivenCar();
  agent.kill('SIGKILL');
  await expect.poll(() => last(trace()), POLL).toMatchObject({ throttle: 0, brake: 1 });
  expect(released(trace())).toMatchObject({ throttle: 0, brake: 0 });
});
