/** Files of a drive log: when one begins and ends, which go, and what becomes of it when none can be written. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { type DriveLogOptions, startDriveLog } from '../../../vehicle/log/drive-log.ts';
import { isWhole } from '../../../vehicle/log/read.ts';
import { manualClock } from '../../helpers/clock.ts';
import { recordLog } from '../../helpers/log.ts';
import { filesIn, indexed, temporaryFolder } from './files.ts';

const MINUTE = 60_000;

function driveLog(options: Partial<DriveLogOptions> = {}) {
  const folder = options.folder ?? temporaryFolder();
  const time = manualClock();
  const { log, entries } = recordLog();
  let next = 0;
  const drives = startDriveLog('car1', { folder, ...options }, time.clock, log, () => next++);
  let n = 0;
  return {
    folder,
    close: drives.close,
    flush: drives.flush,
    /** Says one more, with so much that can't be made smaller, bytes. */
    say(bytes = 0): void {
      drives.write('/event', { n: n++, filling: randomBytes(bytes).toString('hex') }, time.clock.now());
    },
    pass: time.pass,
    warnings: () => entries.filter(({ level }) => level === 'warn').map(({ message }) => message),
    notes: () => entries.filter(({ level }) => level === 'info').map(({ message }) => message),
    /** How often another file was begun. */
    next: () => next,
  };
}

async function numbersIn(paths: string[]) {
  const numbers: unknown[] = [];
  for (const path of paths) {
    const { messages } = await indexed(path);
    numbers.push(...messages.filter(({ topic }) => topic === '/event').map(({ message }) => message.n));
  }
  return numbers;
}

test('all files together stay below the limit, the oldest go, and nothing is missing in between', async () => {
  const bytes = 400_000;
  const log = driveLog({ bytes });
  const total = () => filesIn(log.folder).reduce((sum, path) => sum + statSync(path).size, 0);
  for (let n = 0; n < 200; n++) {
    log.pass(100);
    log.say(5_000);
    await log.flush();
    expect(total()).toBeLessThanOrEqual(bytes);
  }
  await log.close();
  expect(total()).toBeLessThanOrEqual(bytes);
  expect(total()).toBeGreaterThan(bytes / 2);
  const numbers = await numbersIn(filesIn(log.folder));
  const first = numbers[0] as number;
  expect(first).toBeGreaterThan(0);
  expect(numbers).toEqual(Array.from({ length: 200 - first }, (_, n) => first + n));
});

test('a file that is old enough is ended and another begun, named by its first message', async () => {
  const log = driveLog();
  log.say();
  await log.flush();
  log.pass(9 * MINUTE);
  log.say();
  await log.flush();
  expect(log.next()).toBe(0);
  log.pass(MINUTE);
  log.say();
  await log.flush();
  expect(log.next()).toBe(1);
  const [first = '', second = ''] = filesIn(log.folder);
  expect([basename(first), basename(second)]).toEqual([
    '2027-01-15T08-00-00.000Z.mcap',
    '2027-01-15T08-10-00.000Z.mcap',
  ]);
  expect([await isWhole(first), await isWhole(second)]).toEqual([true, false]);
  await log.close();
  expect(await numbersIn([first, second])).toEqual([0, 1, 2]);
});

test('it is written once a second, and where there is much, sooner', async () => {
  const log = driveLog();
  log.say();
  log.pass(1_000);
  await log.flush();
  const [file = ''] = filesIn(log.folder);
  const { size } = statSync(file);
  log.say(300_000);
  await expect.poll(() => statSync(file).size).toBeGreaterThan(size);
  await log.close();
});

test('where no folder can be made it says so once, tries again, says that it goes on, and what is missing', async () => {
  const log = driveLog({ retryMs: MINUTE });
  const obstacle = join(log.folder, 'car1');
  writeFileSync(obstacle, '');
  log.say();
  await log.flush();
  expect(log.warnings()).toEqual([
    `the drive log has stopped, the vehicle goes on: there is a file where a folder should be (EEXIST, ${obstacle}); it is tried again every 60 s`,
  ]);
  for (let n = 0; n < 3; n++) {
    log.pass(MINUTE);
    log.say();
    await log.flush();
  }
  expect(log.warnings()).toHaveLength(1);
  rmSync(obstacle);
  log.say();
  await log.flush();
  expect(existsSync(obstacle)).toBe(false);
  log.pass(MINUTE);
  log.say();
  await log.flush();
  expect(log.notes()).toEqual(['the drive log goes on']);
  await log.close();
  const { messages } = await indexed(filesIn(log.folder)[0] ?? '');
  expect(messages.map(({ topic, message }) => [topic, message])).toEqual([
    ['/gap', { messages: 5, reason: 'the log had stopped' }],
    ['/event', { n: 5, filling: '' }],
  ]);
});

test('a folder that is deleted while it is written is noticed, and made again', async () => {
  const log = driveLog({ retryMs: MINUTE });
  log.say();
  await log.flush();
  rmSync(log.folder, { recursive: true });
  log.say();
  await log.flush();
  expect(log.warnings()).toEqual([expect.stringMatching(/the drive log has stopped.* was deleted/)]);
  log.pass(MINUTE);
  log.say();
  await log.flush();
  expect(log.notes()).toEqual(['the drive log goes on']);
  await log.close();
  expect(await numbersIn(filesIn(log.folder))).toEqual([2]);
});

test('what comes faster than it can be written is dropped and counted', async () => {
  const log = driveLog();
  // All of it before anything can be written.
  for (let n = 0; n < 100; n++) log.say(100_000);
  await log.close();
  const { messages } = await indexed(filesIn(log.folder)[0] ?? '');
  const gap = messages.find(({ topic }) => topic === '/gap')?.message;
  expect(gap).toMatchObject({ reason: 'the disk was too slow' });
  expect(gap?.messages).toBeGreaterThan(0);
  expect(messages.length - 1 + Number(gap?.messages)).toBe(100);
});
