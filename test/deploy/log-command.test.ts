/** `plntry log`, the real program: what it lists and prints, and what it says of bad input. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { durationOf, lineOf } from '../../deploy/log-text.ts';
import { aboutOf, nameAt } from '../../vehicle/log/log-folder.ts';
import { createMcapFile } from '../../vehicle/log/mcap-file.ts';
import { TOPICS, type TopicName } from '../../vehicle/log/topics.ts';
import { spawnCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../vehicle/log/files.ts';

const AT = Date.UTC(2026, 10, 26, 10, 35, 34, 123);

/** A log with a message of each topic every second. */
async function logAt(folder: string, room: string, at: number, messages: [TopicName, object][]) {
  await mkdir(join(folder, room), { recursive: true });
  const path = join(folder, room, nameAt(at));
  const file = await createMcapFile(path, TOPICS, aboutOf(room));
  await file.append(
    messages.map(([topic, message], second) => ({
      channel: TOPICS.findIndex(({ name }) => name === topic),
      time: BigInt(at + second * 1000) * 1_000_000n,
      data: Buffer.from(JSON.stringify(message)),
    })),
  );
  await file.end();
  return path;
}

const DRIVE: [TopicName, object][] = [
  ['/lease', { holder: 'op-1', number: 3, asked: true }],
  ['/safety', { state: 'driving', reason: '', driver: 'op-1' }],
  ['/command/applied', { steer: 0.25, throttle: 1, brake: 0, gear: 'D', state: 'driving' }],
  ['/safety', { state: 'estopped', reason: 'by op-1: people on the road', driver: 'op-1' }],
];

async function plntryLog(...args: string[]) {
  const cli = spawnCli(['log', ...args]);
  const { status } = await cli.ended;
  return { status, stdout: cli.stdout(), stderr: cli.stderr() };
}

test('logs are listed by room and time; a room is that of its newest', async () => {
  const folder = temporaryFolder();
  await logAt(folder, 'van-7', AT, DRIVE);
  await logAt(folder, 'car1', AT + 60_000, DRIVE.slice(0, 1));
  await logAt(folder, 'car1', AT, DRIVE);
  const { status, stdout } = await plntryLog('--folder', folder);
  expect(status).toBe(0);
  const rows = stdout.trim().split('\n');
  expect(rows.map((row) => row.replace(/[\d.]+ kB/, 'SIZE').split(/ {2,}/))).toEqual([
    [folder],
    ['room', 'file', 'length', 'size'],
    ['car1', '2026-11-26T10-35-34.123Z.mcap', '3.0s', 'SIZE', 'whole'],
    ['car1', '2026-11-26T10-36-34.123Z.mcap', '0.0s', 'SIZE', 'whole'],
    ['van-7', '2026-11-26T10-35-34.123Z.mcap', '3.0s', 'SIZE', 'whole'],
  ]);
  const [first] = (await plntryLog('--folder', folder, '--json')).stdout.split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ room: 'car1', startedAt: AT, ms: 3000, state: 'whole' });
  expect((await plntryLog('car1', '--folder', folder)).stdout).toBe(
    '2026-11-26T10:36:34.123Z /lease            op-1 drives, lease 3, asked for\n',
  );
});

test('a file is printed as text or JSON, all of it or what is asked for', async () => {
  const path = await logAt(temporaryFolder(), 'car1', AT, DRIVE);
  const all = await plntryLog(path);
  expect(all).toMatchObject({ status: 0, stderr: '' });
  expect(all.stdout).toBe(`\
2026-11-26T10:35:34.123Z /lease            op-1 drives, lease 3, asked for
2026-11-26T10:35:35.123Z /safety           driving, op-1 drives
2026-11-26T10:35:36.123Z /command/applied  steer 0.25 throttle 1 brake 0 D, driving
2026-11-26T10:35:37.123Z /safety           estopped: by op-1: people on the road, op-1 drives
`);
  const lines = async (...args: string[]) =>
    (await plntryLog(path, ...args)).stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[1]);
  expect(await lines('--topic', '/safety', '--topic', '/lease')).toEqual(['/lease', '/safety', '/safety']);
  expect(await lines('--from', '1', '--to', '2.5')).toEqual(['/safety', '/command/applied']);
  expect(await lines('--from', '2026-11-26T11:35:36+01:00')).toEqual(['/command/applied', '/safety']);
  const json = (await plntryLog(path, '--json', '--to', '0')).stdout;
  expect(JSON.parse(json)).toEqual({
    time: '2026-11-26T10:35:34.123Z',
    topic: '/lease',
    message: DRIVE[0]?.[1],
  });
});

test('who reads only the beginning ends it without a word', async () => {
  const message: [TopicName, object] = ['/gap', { messages: 1, reason: 'x'.repeat(500) }];
  const path = await logAt(
    temporaryFolder(),
    'car1',
    AT,
    Array.from({ length: 2000 }, () => message),
  );
  const pipe = 'set -o pipefail; node deploy/plntry.ts log "$1" | head -n 1 | wc -l';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', pipe, 'bash', path], { encoding: 'utf8' });
  expect({ status, stdout: stdout.trim(), stderr }).toEqual({ status: 0, stdout: '1', stderr: '' });
});

test('where there are none that is said', async () => {
  const folder = temporaryFolder();
  const { status, stdout } = await plntryLog('--folder', folder);
  expect([status, stdout]).toEqual([0, `There are no drive logs in ${folder}.\n`]);
});

describe('bad input is one sentence', () => {
  const folder = '/nowhere';
  test.each([
    [['car1', '--folder', folder], 'There is no drive log of car1 in /nowhere.'],
    [['./nothing.mcap'], 'There is no drive log ./nothing.mcap.'],
    [['package.json'], 'package.json is not an MCAP file.'],
    [['car1', '--topic', '/speed'], 'There are /command/received /command/applied'],
    [['car1', '--from', 'yesterday'], 'It is neither seconds nor a time such as 2026-11-26T10:40:00Z.'],
    [['car1', '--to', '2026-11-26T10:40:00'], 'It is neither seconds nor a time'],
    [['car1', 'car2'], 'too many arguments'],
  ])('%j', async (args, sentence) => {
    const { status, stdout, stderr } = await plntryLog(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('of the vehicle too', async () => {
    const cli = spawnCli(['vehicle', '--room', 'car1', '--drive-log-size', '10kB']);
    expect((await cli.ended).status).toBe(2);
    expect(cli.stderr()).toContain('A drive log has at least 1MB.');
  });

  test('an empty file', async () => {
    const path = join(temporaryFolder(), 'x.mcap');
    writeFileSync(path, '');
    expect((await plntryLog(path)).stderr).toBe(`error: ${path} is not an MCAP file, or is empty.\n`);
  });
});

test('what an operator says can’t command the terminal', () => {
  const line = lineOf('/safety', 0n, { state: 'estopped', reason: 'by op-1: \u001b[2J\r\nall is well' });
  expect(line).toBe(
    '1970-01-01T00:00:00.000Z /safety           estopped: by op-1: <U+001B>[2J<U+000D><U+000A>all is well',
  );
});

test.each([
  [0, '0.0s'],
  [59_940, '59.9s'],
  [600_000, '10m00s'],
  [3_725_000, '1h02m'],
])('%i ms are %s', (ms, words) => {
  expect(durationOf(ms)).toBe(words);
});
