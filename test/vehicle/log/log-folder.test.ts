/** Files that were cut off, and who is writing which. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  aboutOf,
  isBeingWritten,
  logsOf,
  makeRoom,
  nameAt,
  startOf,
} from '../../../vehicle/log/log-folder.ts';
import { chunkOf, headOf } from '../../../vehicle/log/mcap-bytes.ts';
import { isWhole } from '../../../vehicle/log/read.ts';
import { repairAll } from '../../../vehicle/log/repair.ts';
import { TOPICS } from '../../../vehicle/log/topics.ts';
import { filesIn, indexed, temporaryFolder } from './files.ts';

const MESSAGES = [1, 2, 3].map((n) => ({
  channel: n,
  time: BigInt(n) * 1_000_000_000n,
  data: Buffer.from(JSON.stringify({ n })),
}));

/** A log as it is left by a writer that was killed. @param writer its process, and where that runs */
async function cutOff(folder: string, at: number, writer: { pid?: number; host?: string } = {}) {
  const about = aboutOf('car1');
  if (writer.pid !== undefined) about.values.set('pid', String(writer.pid));
  if (writer.host !== undefined) about.values.set('host', writer.host);
  const head = headOf(TOPICS, about).bytes;
  const { bytes } = await chunkOf(MESSAGES, head.length);
  await mkdir(join(folder, 'car1'), { recursive: true });
  const path = join(folder, 'car1', nameAt(at));
  const half = bytes.subarray(0, bytes.length / 2);
  writeFileSync(path, Buffer.concat([head, bytes, half]));
  return path;
}

async function otherProcess(): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000']);
  onTestFinished(() => void child.kill());
  return child;
}

const gone = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill();
  });

test('names sort as time does, and say when', () => {
  const at = Date.UTC(2026, 10, 26, 10, 35, 34, 123);
  expect(nameAt(at)).toBe('2026-11-26T10-35-34.123Z.mcap');
  expect(startOf(nameAt(at))).toBe(at);
  expect(startOf('notes.mcap')).toBeNull();
});

test('what was cut off is ended: the same messages, now with an index, under the same name', async () => {
  const folder = temporaryFolder();
  const path = await cutOff(folder, 0);
  writeFileSync(join(folder, 'car1', `${nameAt(5)}.repairing`), 'of a repair that was killed itself');
  expect((await repairAll(folder, 'car1', Date.now())).repaired).toEqual([path]);
  expect(filesIn(folder)).toEqual([path]);
  const { messages } = await indexed(path);
  expect(messages.map(({ message: { n } }) => n)).toEqual([1, 2, 3]);
  expect(messages.map(({ logTime }) => logTime)).toEqual(MESSAGES.map(({ time }) => time));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await repairAll(folder, 'car1', Date.now())).repaired).toEqual([]);
});

test.each([0, 5, 1000, undefined])(
  'one of which only %s bytes of the head are there is deleted',
  async (length) => {
    const folder = temporaryFolder();
    const path = await cutOff(folder, 0);
    writeFileSync(path, headOf(TOPICS, aboutOf('car1')).bytes.subarray(0, length));
    // Of a new one it could be that somebody is just beginning it.
    utimesSync(path, 0, 0);
    expect((await repairAll(folder, 'car1', Date.now())).failed).toEqual([]);
    expect(filesIn(folder)).toEqual([]);
  },
);

test('a damaged one keeps what it was; what is no log at all, and a folder, are left alone and keep nothing up', async () => {
  const folder = temporaryFolder();
  const path = await cutOff(folder, 1);
  const before = readFileSync(path);
  // Rubbish between what was recorded and what follows.
  writeFileSync(path, Buffer.concat([before, Buffer.alloc(500, 0x55), before.subarray(-500)]));
  const was = readFileSync(path);
  const none = join(folder, 'car1', nameAt(0));
  writeFileSync(none, 'dear diary, today I have been driven');
  mkdirSync(join(folder, 'car1', nameAt(2)));
  const last = await cutOff(folder, 3);
  for (const one of [path, none, last]) utimesSync(one, 0, 0);
  const { repaired, damaged, failed } = await repairAll(folder, 'car1', Date.now());
  expect([repaired, damaged]).toEqual([[last], [path]]);
  expect(failed).toMatchObject([{ path: none, error: { message: `${none} is not an MCAP file.` } }]);
  expect(readFileSync(`${path}.damaged`)).toEqual(was);
  expect((await indexed(path)).messages.map(({ message: { n } }) => n)).toEqual([1, 2, 3]);
  expect(readFileSync(none, 'utf8')).toContain('dear diary');
  // Nor again and again.
  expect((await repairAll(folder, 'car1', Date.now())).damaged).toEqual([]);
  expect(await makeRoom(folder, 'car1', 0, Date.now())).toContain(`${path}.damaged`);
});

test('what another process is writing is neither repaired nor deleted, until that process is gone', async () => {
  const folder = temporaryFolder();
  const child = await otherProcess();
  const path = await cutOff(folder, 0, { pid: child.pid as number });
  expect(await isBeingWritten(path, Date.now())).toBe(true);
  expect((await repairAll(folder, 'car1', Date.now())).repaired).toEqual([]);
  expect(await makeRoom(folder, 'car1', 0, Date.now())).toEqual([]);
  await gone(child);
  expect(await isBeingWritten(path, Date.now())).toBe(false);
  expect((await repairAll(folder, 'car1', Date.now())).repaired).toEqual([path]);
  expect(await isWhole(path)).toBe(true);
  expect(await makeRoom(folder, 'car1', 0, Date.now())).toEqual([path]);
});

test('on another machine, only what has not grown for long counts as left', async () => {
  const path = await cutOff(temporaryFolder(), 0, { host: 'another-machine', pid: 1 });
  expect(await isBeingWritten(path, Date.now())).toBe(true);
  utimesSync(path, 0, Date.now() / 1000 - 61);
  expect(await isBeingWritten(path, Date.now())).toBe(false);
});

test('a file of this very process number that this process has not begun is left over', async () => {
  const path = await cutOff(temporaryFolder(), 0, { pid: process.pid });
  expect(await isBeingWritten(path, Date.now())).toBe(false);
});

test('the oldest go first, and only as many as must', async () => {
  const folder = temporaryFolder();
  const paths: string[] = [];
  for (const at of [3, 1, 2]) paths.push(await cutOff(folder, at * 1000));
  const { size } = statSync(paths[0] ?? '');
  const handle = await open(join(folder, 'car1', 'notes.txt'), 'w');
  await handle.close();
  expect(await makeRoom(folder, 'car1', 2 * size, Date.now())).toEqual([paths[1]]);
  expect((await logsOf(folder, 'car1')).map(({ path }) => path)).toEqual([paths[2], paths[0]]);
  expect(existsSync(join(folder, 'car1', 'notes.txt'))).toBe(true);
});
