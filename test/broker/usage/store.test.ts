import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Data, openStore } from '../../../broker/usage/store.ts';
import { recordLog } from '../../helpers/log.ts';

const FILE = 'relay-usage.json';
const data = (all: number): Data => ({
  ledger: { months: { '2027-05': { all, rooms: { car1: all } } }, rooms: {} },
  said: { month: '2027-05', levels: { car1: 'warning' } },
});

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function store(folder: string, now: Data = data(1)) {
  const { log, entries, logged } = recordLog();
  const opened = await openStore(folder, () => now, log);
  onTestFinished(() => opened.close());
  return Object.assign(opened, { entries, logged });
}

test('what was saved is there again, in a folder and a file that nobody else may read', async () => {
  const folder = join(emptyFolder(), 'a', 'b');
  const first = await store(folder, data(7));
  expect(first.loaded).toBeNull();
  first.changed();
  await first.close();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, FILE)).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual([FILE]);
  expect((await store(folder)).loaded).toEqual({ v: 1, ...data(7) });
});

test('nothing is written when nothing has changed', async () => {
  const folder = emptyFolder();
  await (await store(folder)).close();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['half a file', JSON.stringify({ v: 1, ...data(1) }).slice(0, 40)],
  ['nothing', ''],
  ['another version', JSON.stringify({ v: 2, ...data(1) })],
  ['negative counts', JSON.stringify({ v: 1, ...data(-5) })],
])('%s is set aside with a warning, and counting begins anew', async (_what, text) => {
  const folder = emptyFolder();
  writeFileSync(join(folder, FILE), text);
  const { loaded, entries, changed, close } = await store(folder, data(3));
  expect(loaded).toBeNull();
  expect(entries).toMatchObject([{ level: 'warn', message: expect.stringContaining('set aside') }]);
  const aside = readdirSync(folder).filter((name) => name.startsWith(`${FILE}.unreadable-`));
  expect(aside).toHaveLength(1);
  expect(readFileSync(join(folder, aside[0] ?? ''), 'utf8')).toBe(text);
  changed();
  await close();
  expect((await store(folder)).loaded).toMatchObject(data(3));
});

test('a leftover of a write that was cut short is no harm', async () => {
  const folder = emptyFolder();
  const first = await store(folder, data(5));
  first.changed();
  await first.close();
  writeFileSync(join(folder, `${FILE}.new`), '{"v":1,');
  expect((await store(folder)).loaded).toMatchObject(data(5));
});

test('a folder that can’t be one is an error of one sentence', async () => {
  const file = join(emptyFolder(), 'file');
  writeFileSync(file, '');
  await expect(store(join(file, 'data'))).rejects.toThrow(/^Can't keep data in .*; choose .* --data\.$/);
});

test('two servers with one folder: the second to write notices, says so, and leaves it alone', async () => {
  const folder = emptyFolder();
  const [one, other] = [await store(folder, data(1)), await store(folder, data(2))];
  one.changed();
  await one.close();
  // File systems tell times in steps.
  utimesSync(join(folder, FILE), 1, 1);
  other.changed();
  await other.close();
  expect(other.entries).toMatchObject([
    { level: 'error', message: expect.stringContaining('another server') },
  ]);
  expect(other.kept).toBe(false);
  expect((await store(folder)).loaded).toMatchObject(data(1));
});

test('when it can’t be written any more, that is said once, and when it can again it is made up for', async () => {
  const folder = emptyFolder();
  const { changed, logged, entries, ...kept } = await store(folder, data(9));
  rmSync(folder, { recursive: true });
  changed();
  await logged(({ message }) => message === 'counts can’t be saved');
  mkdirSync(folder);
  await logged(({ message }) => message === 'counts are saved again');
  expect(entries.filter(({ level }) => level === 'error')).toHaveLength(1);
  await kept.close();
  expect(JSON.parse(readFileSync(join(folder, FILE), 'utf8'))).toMatchObject(data(9));
});
