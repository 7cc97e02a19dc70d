/** Finds drive logs, and prints them to stdout as fast as somebody reads. */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { printableJson } from '../shared/printable.ts';
import { isId } from '../shared/topics.ts';
import { DAMAGED, isBeingWritten, type LogFile, logsOf, roomsIn } from '../vehicle/log/log-folder.ts';
import { isWhole, readMessages, UnreadableError } from '../vehicle/log/read.ts';
import { spanOf } from '../vehicle/log/span.ts';
import type { LogFlags, Moment } from './command-log.ts';
import { EXIT } from './lifecycle.ts';
import { durationOf, jsonLineOf, lineOf, sizeOf, tableOf } from './log-text.ts';
import { OptionError } from './options.ts';

/** All logs of all rooms. @throws OptionError */
export async function listLogs(folder: string, json: boolean): Promise<void> {
  endWithReader();
  const rooms = await asOptionError(folder, roomsIn(folder));
  const rows: string[][] = [];
  for (const room of rooms) {
    for (const log of await asOptionError(folder, logsOf(folder, room))) {
      const { ms, state } = await describe(log);
      const name = basename(log.path);
      const begun = new Date(log.startedAt).toISOString();
      if (json) await print(`${printableJson(JSON.stringify({ room, begun, ms, ...log, state }))}\n`);
      rows.push([room, name, durationOf(ms), sizeOf(log.bytes), state]);
    }
  }
  if (json) return;
  if (rows.length === 0) await print(`There are no drive logs in ${folder}.\n`);
  else await print(`${folder}\n${tableOf([['room', 'file', 'length', 'size', ''], ...rows])}`);
}

/** @param log a file, or a room for its newest @throws OptionError */
export async function printLog(log: string, folder: string, flags: LogFlags): Promise<void> {
  endWithReader();
  const path = await fileOf(log, folder);
  const topics = flags.topic && new Set(flags.topic);
  let start: bigint | null = null;
  const { from, to } = flags;
  try {
    for await (const { topic, time, data } of readMessages(path)) {
      if (start === null && from && to && momentIn(from, time) > momentIn(to, time)) {
        throw new OptionError("option '--to' is before '--from'.");
      }
      start ??= time;
      if (topics && !topics.has(topic)) continue;
      if (from && time < momentIn(from, start)) continue;
      if (to && time > momentIn(to, start)) continue;
      const fields = JSON.parse(Buffer.from(data).toString('utf8'));
      await print(`${(flags.json ? jsonLineOf : lineOf)(topic, time, fields)}\n`);
    }
  } catch (error) {
    if (error instanceof OptionError) throw error;
    if (error instanceof UnreadableError) throw new OptionError(error.message);
    throw asSentence(path, error as Error);
  }
}

async function describe({ path, startedAt }: LogFile): Promise<{ ms: number; state: string }> {
  try {
    const span = await spanOf(path);
    const ms = span ? Number((span.to - BigInt(startedAt) * 1_000_000n) / 1_000_000n) : 0;
    if (path.endsWith(DAMAGED)) return { ms, state: 'damaged' };
    if (await isWhole(path)) return { ms, state: 'whole' };
    return { ms, state: (await isBeingWritten(path, Date.now())) ? 'being written' : 'cut off' };
  } catch {
    return { ms: 0, state: 'unreadable' };
  }
}

async function fileOf(log: string, folder: string): Promise<string> {
  const found = await stat(log).catch(() => null);
  if (found?.isFile()) return log;
  if (!isId(log)) throw new OptionError(`There is no drive log ${log}.`);
  const newest = (await asOptionError(folder, logsOf(folder, log))).findLast(
    ({ path }) => !path.endsWith(DAMAGED),
  );
  if (newest) return newest.path;
  throw new OptionError(`There is no drive log of ${log} in ${folder}.`);
}

const momentIn = (moment: Moment, start: bigint): bigint =>
  'at' in moment ? BigInt(moment.at) * 1_000_000n : start + BigInt(Math.round(moment.seconds * 1e9));

/** Waits where the reader is slower. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Whoever reads, as `head` does, may have enough. */
function endWithReader(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === 'EPIPE' ? EXIT.ok : EXIT.failure);
  });
}

async function asOptionError<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw asSentence(path, error as Error);
  }
}

function asSentence(path: string, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof SyntaxError) return new OptionError(`${path} has messages that are not JSON.`);
  return code ? new OptionError(`${path} can’t be read (${code}).`) : error;
}
