/** The drive log of a vehicle that is driven: what is in it, and what becomes of it when something fails. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fromJSONSchema } from 'zod';
import { nalUnits } from '../vehicle/rtp.ts';
import { type Cli, spawnCli } from './helpers/cli.ts';
import { recordLog } from './helpers/log.ts';
import { type TestOperator, testListener, testOperator, testServer, testVehicle } from './helpers/room.ts';
import { IDR, SPS } from './vehicle/h264.ts';
import { filesIn, indexed, temporaryFolder } from './vehicle/log/files.ts';

const AHEAD = { steer: 0.25, throttle: 1, brake: 0, gear: 'D' } as const;
/** Against hanging only. */
const POLL = { timeout: 20_000, interval: 100 };

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

const agent = (url: string, folder: string, ...more: string[]): Cli =>
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

async function plntryLog(...args: string[]) {
  const cli = spawnCli(['log', ...args]);
  const { status } = await cli.ended;
  return { status, stdout: cli.stdout(), stderr: cli.stderr() };
}

test('what was said and done in a drive is in the log, each message as its schema says', async () => {
  const folder = temporaryFolder();
  const { mqttUrl } = await testServer();
  const vehicle = await testVehicle(mqttUrl, { driveLog: { folder, video: true } });
  const operator = await drivenBy(mqttUrl);
  await operator.until('a word on its path', ({ path }) => path !== null);
  operator.sendOn('control', JSON.stringify({ ...AHEAD, seq: 1e6, t: Date.now(), lease: 999 }));
  operator.estop('people on the road');
  await operator.until('stopped', (_, state) => state?.safety === 'estopped');
  await vehicle.close();

  const [file = ''] = filesIn(folder);
  const { messages, schemas } = await indexed(file);
  for (const [topic, { schema }] of schemas) {
    const check = fromJSONSchema(schema);
    const wrong = messages
      .filter((each) => each.topic === topic)
      .map(({ message }) => check.safeParse(message).error)
      .find(Boolean);
    expect([topic, wrong]).toEqual([topic, undefined]);
  }
  const on = (topic: string) => messages.filter((each) => each.topic === topic).map(({ message }) => message);
  const { id } = operator;
  const received = on('/command/received');
  expect(received).toContainEqual(expect.objectContaining({ ...AHEAD, operator: id, lease: 1, dropped: '' }));
  expect(received).toContainEqual(expect.objectContaining({ seq: 1e6, dropped: 'no lease' }));
  expect(on('/command/applied')).toContainEqual({ ...AHEAD, state: 'driving' });
  expect(on('/command/applied').at(-1)).toMatchObject({ throttle: 0, brake: 1, state: 'estopped' });
  expect(on('/lease')).toContainEqual({ holder: id, number: 1, asked: true });
  expect(on('/safety')).toContainEqual({
    state: 'estopped',
    reason: `by ${id}: people on the road`,
    driver: id,
  });
  expect(on('/session')).toContainEqual({ operator: id, phase: 'connected', detail: '' });
  expect(on('/event')).toContainEqual(
    expect.objectContaining({ operator: id, direction: 'sent', type: 'grant', lease: 1 }),
  );
  expect(on('/event').filter(({ type }) => type === 'clock')).toEqual([]);
  expect(on('/latency')).toContainEqual(
    expect.objectContaining({ operator: id, commandAgeMs: expect.any(Number) }),
  );
  expect(on('/link')).toContainEqual(expect.objectContaining({ operator: id, path: 'host' }));
  expect(on('/telemetry').at(-1)).toMatchObject({ Vehicle: { Speed: expect.any(Number) } });
  expect(on('/location')).toHaveLength(on('/telemetry').length);
  const pictures = on('/video').map(({ data }) => nalUnits(Buffer.from(String(data), 'base64')));
  const [first] = pictures.map((units) => units.map((unit) => (unit[0] ?? 0) & 31));
  expect(first).toEqual(expect.arrayContaining([SPS, IDR]));
});

test('what an operator sends that only vehicles say, or nobody, is dropped, told of once, and not in the log', async () => {
  const folder = temporaryFolder();
  const { mqttUrl } = await testServer();
  const { log, entries } = recordLog();
  const vehicle = await testVehicle(mqttUrl, { driveLog: { folder } }, log);
  const operator = await drivenBy(mqttUrl);
  const ts = Date.now();
  for (const event of [
    { type: 'deny', reason: 'no' },
    { type: 'grant', lease: 7 },
    { type: 'wait', reason: 'x' },
    { type: 'revoke', reason: 'x' },
    { type: 'limits', maxSpeed: 99 },
    { type: 'of tomorrow' },
  ])
    for (let times = 0; times < 2; times++) operator.sendOn('events', JSON.stringify({ ts, ...event }));
  // The channel is ordered: what was said before this has been heard.
  operator.release();
  await operator.until('given back', ({ lease }) => lease?.holder === null);
  await vehicle.close();
  const { messages } = await indexed(filesIn(folder)[0] ?? '');
  const heard = messages
    .filter(({ topic, message }) => topic === '/event' && message.direction === 'received')
    .map(({ message }) => message.type);
  expect(new Set(heard)).toEqual(new Set(['request', 'release']));
  expect(entries.filter(({ fields }) => fields.what === 'events')).toHaveLength(1);
});

test('killed while it is driven, it leaves a log that can be read, and the next start ends it', async () => {
  const folder = temporaryFolder();
  const { mqttUrl } = await testServer();
  const killed = agent(mqttUrl, folder);
  await drivenBy(mqttUrl);
  await expect.poll(() => existsSync(join(folder, 'car1')) && filesIn(folder).length, POLL).toBe(1);
  const [file = ''] = filesIn(folder);
  const { size } = statSync(file);
  await expect.poll(() => statSync(file).size, POLL).toBeGreaterThan(size + 2_000);
  killed.kill('SIGKILL');
  await killed.ended;

  const { status, stdout } = await plntryLog(file, '--topic', '/command/received');
  expect(status).toBe(0);
  expect(stdout.split('\n').length).toBeGreaterThan(10);
  expect(stdout).toMatch(/^\S+Z \/command\/received op-\w+ #\d+ steer 0.25 throttle 1 brake 0 D/m);
  expect((await plntryLog('--folder', folder)).stdout).toMatch(/^car1 .*\.mcap .*cut off$/m);

  const next = agent(mqttUrl, folder);
  await next.printed(/repaired a drive log that was cut off/);
  const { messages } = await indexed(file);
  expect(messages.filter(({ topic }) => topic === '/command/received').length).toBeGreaterThan(10);
  expect((await plntryLog('--folder', folder)).stdout).toMatch(/^car1 .* whole$/m);
});

/** A disk of 200 kB; null where none can be made. */
function smallDisk(): string | null {
  const folder = temporaryFolder();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', folder]).status !== 0) return null;
  // After what was registered before it has begun: a vehicle may still be writing.
  onTestFinished(() => void spawnSync('umount', ['--lazy', folder]));
  return folder;
}

test('a full disk stops the log and not the car, and that is said once', async ({ skip }) => {
  const folder = smallDisk();
  if (!folder) return skip('mounting a small disk needs root on Linux');
  const { mqttUrl } = await testServer();
  const car = agent(mqttUrl, folder, '--drive-log-video');
  const operator = await drivenBy(mqttUrl);
  await car.printed(/the drive log has stopped, the vehicle goes on: the disk is full \(ENOSPC/);
  const since: string[] = [];
  operator.onEveryState(({ safety }) => since.push(safety));
  await operator.until('it is driven on', () => since.length > 100);
  // A busy machine may be late with a command or two; a stop would be the log's doing.
  expect(since).not.toContain('stopped');
  car.kill('SIGTERM');
  expect(await car.ended).toMatchObject({ status: 0 });
  expect(car.stderr().match(/the drive log has stopped/g)).toHaveLength(1);
  const [file = ''] = filesIn(folder);
  expect((await plntryLog(file)).stdout).toMatch(/\/video +\d+ bytes, key frame/);
});

test('a folder that can’t be made is a warning, and the car is driven', async () => {
  const { mqttUrl } = await testServer();
  const car = agent(mqttUrl, '/proc/plntry');
  await drivenBy(mqttUrl);
  await car.printed(/"level":"warn".*the drive log has stopped, the vehicle goes on/);
});

test.each([
  ['--no-drive-log', {}],
  ['PLNTRY_NO_DRIVE_LOG', { PLNTRY_NO_DRIVE_LOG: '1' }],
])('with %s there is none; else it is where state is kept', async (off, environment) => {
  const [{ mqttUrl }, data] = [await testServer(), temporaryFolder()];
  const args = ['vehicle', '--room', 'car1', '--broker', mqttUrl, '--ice-servers', '[]'];
  const flags = off.startsWith('--') ? [off] : [];
  const ears = await testListener(mqttUrl);
  const without = spawnCli([...args, ...flags], { XDG_STATE_HOME: data, ...environment });
  await ears.message('telemetry', ({ topic }) => topic === 'rooms/car1/telemetry');
  without.kill('SIGTERM');
  await without.ended;
  // The folder of an emergency stop is there from the start; of a log there is nothing.
  expect(existsSync(join(data, 'plntry/drive-log'))).toBe(false);
  spawnCli(args, { XDG_STATE_HOME: data });
  await expect.poll(() => existsSync(join(data, 'plntry/drive-log/car1')), POLL).toBe(true);
});
