/**
 * The folder of drive logs: `<folder>/<room>/2026-11-26T10-35-34.123Z.mcap`, named by when a file was begun, in
 * UTC, so that names sort as time does.
 */
import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isId } from '../../shared/topics.ts';
import type { About } from './mcap-bytes.ts';
import { isWhole, readMetadata } from './read.ts';

/** What a file that was repaired in part was before. */
export const DAMAGED = '.damaged';
const NAME = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3}Z)\.mcap(\.damaged)?$/;
/** While a file is repaired; such a one that is left over is of no use. */
export const REPAIRING = '.repairing';
/** A vehicle says something every second; whose file has not grown for so long does not write it any more, ms. */
const SILENT_MS = 60_000;
/** Name of the MCAP metadata in which a file says who writes it. */
const ABOUT = 'plntry';

export interface LogFile {
  path: string;
  /** When it was begun, ms since the epoch. */
  startedAt: number;
  bytes: number;
}

/** Files that this process is writing. */
const ours = new Set<string>();
export const claim = (path: string): void => void ours.add(path);
export const release = (path: string): void => void ours.delete(path);

/** @param at when it is begun, ms since the epoch */
export const nameAt = (at: number): string => `${new Date(at).toISOString().replaceAll(':', '-')}.mcap`;

/** ms since the epoch; null for what is no name of a log. */
export function startOf(name: string): number | null {
  const [, hour, minute, second] = NAME.exec(name) ?? [];
  return hour === undefined ? null : Date.parse(`${hour}:${minute}:${second}`);
}

export const aboutOf = (room: string): About => ({
  name: ABOUT,
  values: new Map([
    ['room', room],
    ['host', hostname()],
    ['pid', String(process.pid)],
  ]),
});

/** The logs of one room, oldest first; none where there is no such folder. */
export async function logsOf(folder: string, room: string): Promise<LogFile[]> {
  const logs: LogFile[] = [];
  for (const name of (await namesIn(join(folder, room))).sort()) {
    const startedAt = startOf(name);
    if (startedAt === null) continue;
    const path = join(folder, room, name);
    // Another one may tidy up at the same time.
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) logs.push({ path, startedAt, bytes: found.size });
  }
  return logs;
}

/** Rooms that have a folder, by name. */
export async function roomsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter(isId).sort();
}

/** Whether somebody is writing a file: it has no end, has grown lately, and its writer is not known to be gone. */
export async function isBeingWritten(path: string, now: number): Promise<boolean> {
  if (ours.has(path)) return true;
  const { mtimeMs } = await stat(path);
  if (now - mtimeMs > SILENT_MS || (await isWhole(path))) return false;
  const about = await readMetadata(path, ABOUT).catch(() => null);
  if (about?.get('host') !== hostname()) return true;
  const pid = Number(about.get('pid'));
  // In a container every run has the same number.
  return pid !== process.pid && isAlive(pid);
}

/** Deletes the oldest logs of a room until there is room. @param bytes that may stay @returns those deleted */
export async function makeRoom(folder: string, room: string, bytes: number, now: number): Promise<string[]> {
  const logs = await logsOf(folder, room);
  let total = logs.reduce((sum, log) => sum + log.bytes, 0);
  const deleted: string[] = [];
  for (const log of logs) {
    if (total <= bytes) break;
    if (await isBeingWritten(log.path, now).catch(() => true)) continue;
    await unlink(log.path);
    total -= log.bytes;
    deleted.push(log.path);
  }
  return deleted;
}

/** Makes a folder and those above it. Not by Node's `recursive`, which never ends where none can be made, as in /proc. */
export async function makeFolder(path: string): Promise<void> {
  const make = async () => {
    try {
      await mkdir(path, 0o700);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory())
        throw error;
    }
  };
  try {
    await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  }
}

/** Names of a folder's entries; none where there is none. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
