/** Keeps the counts in a file, so that they survive whatever ends the server. */
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Log } from '../../shared/log.ts';
import { check } from '../../shared/messages.ts';
import type { Said } from './budget.ts';
import type { LedgerData } from './ledger.ts';

/** What has changed is on the disk after so long at the latest, ms. */
export const WRITE_WITHIN_MS = 2_000;
const FILE = 'relay-usage.json';

const bytes = z.number().check(z.nonnegative());
const DataSchema = z.object({
  v: z.literal(1),
  ledger: z.object({
    months: z.record(z.string(), z.object({ all: bytes, rooms: z.record(z.string(), bytes) })),
    rooms: z.record(
      z.string(),
      z.object({
        at: z.number(),
        spare: bytes,
        sessions: z.record(z.string(), z.object({ bytes, at: z.number() })),
      }),
    ),
  }),
  said: z.object({
    month: z.string(),
    levels: z.record(z.string(), z.enum(['fine', 'warning', 'exceeded'])),
  }),
});

export interface Data {
  ledger: LedgerData;
  said: Said;
}

export interface Store {
  /** What was there when the store was opened; null when nothing was. */
  loaded: Data | null;
  /** What is saved will have changed: it is asked for, and written, within {@link WRITE_WITHIN_MS}. */
  changed(): void;
  /** False while the counts are in memory only. */
  readonly kept: boolean;
  /** Writes what has not been written yet. */
  close(): Promise<void>;
}

/** Counts for as long as the process lives. */
export const memoryOnly: Store = { loaded: null, changed() {}, kept: false, close: async () => {} };

/**
 * Opens, or makes, a folder for the counts.
 * @param current what is to be saved now
 * @throws Error of one sentence when the folder can't be used
 */
export async function openStore(folder: string, current: () => Data, log: Log): Promise<Store> {
  const path = join(folder, FILE);
  let loaded: Data | null;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    loaded = await load(path, log);
  } catch (error) {
    throw new Error(
      `Can't keep data in ${folder}: ${(error as Error).message}; choose a folder with --data.`,
    );
  }
  /** The file as this process has written or found it: another one that writes it is noticed. */
  let ours = await markOf(path);
  let state: 'kept' | 'failing' | 'taken' = 'kept';
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    timer = undefined;
    if (state === 'taken') return;
    try {
      const found = await markOf(path);
      if (found !== null && found !== ours) {
        state = 'taken';
        log.error({ path }, 'another server writes to this data folder; counting in memory only from now on');
        return;
      }
      await replace(folder, path, JSON.stringify({ v: 1, ...current() }));
      ours = await markOf(path);
      if (state === 'failing') log.info({ path }, 'counts are saved again');
      state = 'kept';
    } catch (error) {
      // Once, not with every attempt.
      if (state === 'kept') log.error({ path, reason: (error as Error).message }, 'counts can’t be saved');
      state = 'failing';
      changed();
    }
  }

  const writeSoon = () => {
    writing = writing.then(write);
  };
  function changed(): void {
    timer ??= setTimeout(writeSoon, WRITE_WITHIN_MS);
  }

  return {
    loaded,
    changed,
    get kept() {
      return state === 'kept';
    },
    async close() {
      const dirty = timer !== undefined;
      clearTimeout(timer);
      if (dirty) writeSoon();
      await writing;
      clearTimeout(timer);
    },
  };
}

/** A file that makes no sense is set aside, so that somebody can look at it. */
async function load(path: string, log: Log): Promise<Data | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const parsed = check(DataSchema, parseJson(text));
  if (parsed.ok) return parsed.value;
  const aside = `${path}.unreadable-${Date.now()}`;
  await rename(path, aside);
  log.warn(
    { path, aside, reason: parsed.reason },
    'saved counts can’t be read and are set aside; counting from 0',
  );
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** All of it or nothing, whenever the power goes: written beside, flushed, and put in place. */
async function replace(folder: string, path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Tells one version of a file from another; null when there is none. */
async function markOf(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  return found && `${found.ino}:${found.mtimeMs}:${found.size}`;
}
