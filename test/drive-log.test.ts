/** The drive log of a vehicle that is driven: what is in it, and what becomes of it when something fails. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import { expect, onTestFinished, test } from 'vitest';
import { decompressHandlers } from '../vehicle/log/read.ts';
import { spawnCli } from './helpers/cli.ts';
import { type TestOperator, testOperator, testServer, testVehicle } from './helpers/room.ts';

const AHEAD = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const filesIn = (folder: string) =>
  readdirSync(join(folder, 'car1')).map((name) => join(folder, 'car1', name));

/** Somebody drives the car, and it moves. */
async function drivenBy(url: string): Promise<TestOperator> {
  const operator = testOperator(url);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  operator.request();
  await operator.until('granted', ({ claim }) => claim.state === 'held');
  operator.drive(AHEAD);
  await operator.until('it moves', (_, state) => (state?.speed ?? 0) > 2);
  return operator;
}

/** All messages of a whole file by its index, as other programs read it. */
async function indexed(path: string) {
  const handle = await open(path);
  onTestFinished(() => handle.close());
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt((await handle.stat()).size),
      read: async (offset, length) => {
        const data = new Uint8Array(Number(length));
        await handle.read(data, 0, data.length, Number(offset));
        return data;
      },
    },
    decompressHandlers,
  });
  const messages = [];
  for await (const { channelId, data, logTime } of reader.readMessages()) {
    const topic = reader.channelsById.get(channelId)?.topic ?? '';
    messages.push({ topic, logTime, message: JSON.parse(Buffer.from(data).toString()) });
  }
  return { reader, messages };
}

const agentFor = (url: string, folder: string, more: string[] = []) =>
  spawnCli([
    'vehicle',
    '--room',
    'car1',
    '--broker',
    url,
    '--ice-servers',
    '[]',
    '--drive-log',
    folder,
    ...more,
  ]);

test('what is said and done in a drive can be read back by topic', async () => {
  const folder = temporaryFolder();
  const { mqttUrl } = await testServer();
  const vehicle = await testVehicle(mqttUrl, { driveLog: { folder, video: true } });
  const operator = await drivenBy(mqttUrl);
  operator.estop('people on the road');
  await operator.until('stopped', (_, state) => state?.safety === 'estopped');
  await operator.until('reported', ({ path }) => path !== null);
  await vehicle.close();
  const [file = ''] = filesIn(folder);
  const { messages } = await indexed(file);
  const on = (topic: string) => messages.filter((each) => each.topic === topic).map(({ message }) => message);
  expect(on('/command/received')).toContainEqual(
    expect.objectContaining({ operator: operator.id, throttle: 1, dropped: '' }),
  );
});

test('killed while it is driven, it leaves a log that can be read, and the next start ends it', async () => {
  const folder = temporaryFolder();
  const { mqttUrl } = await testServer();
  const agent = agentFor(mqttUrl, folder);
  await drivenBy(mqttUrl);
  const file = () => filesIn(folder)[0] ?? '';
  const printed = () =>
    spawnSync('node', ['deploy/plntry.ts', 'log', file(), '--topic', '/command/applied'], {
      encoding: 'utf8',
    });
  await expect.poll(() => printed().stdout, { timeout: 20_000 }).toContain('driving');
  agent.kill('SIGKILL');
  await agent.ended;
  expect(printed()).toMatchObject({ status: 0, stdout: expect.stringContaining('throttle 1') });
  const again = agentFor(mqttUrl, folder);
  await again.printed(/repaired a drive log that was cut off/);
  const { messages } = await indexed(file());
  expect(messages.filter(({ topic }) => topic === '/command/received').length).toBeGreaterThan(10);
});
