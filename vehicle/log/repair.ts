/** Ends the files that were cut off when their vehicle was killed, so that any reader can open them. */
import { rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MCAP_MAGIC } from '@mcap/core';
import { aboutOf, DAMAGED, isBeingWritten, logsOf, namesIn, REPAIRING } from './log-folder.ts';
import type { LogMessage } from './mcap-bytes.ts';
import { createMcapFile } from './mcap-file.ts';
import { DamagedError, isWhole, readMessages } from './read.ts';
import { TOPICS } from './topics.ts';

/** So much goes into one chunk, ns. */
const CHUNK_NS = 1_000_000_000n;

export interface Repairs {
  /** Files that have their end now. */
  repaired: string[];
  /** Files of which only a part could be read; what they were is beside them. */
  damaged: string[];
  /** Files in which nothing had been recorded yet, deleted. */
  empty: string[];
  /** Files that can't be read or written, and why. */
  failed: { path: string; error: Error }[];
}

/** Repairs what was cut off in a room's folder, and what nobody is writing; nothing that was recorded is lost by it. */
export async function repairAll(folder: string, room: string, now: number): Promise<Repairs> {
  for (const name of await namesIn(join(folder, room))) {
    if (name.endsWith(REPAIRING)) await unlink(join(folder, room, name)).catch(() => {});
  }
  const repairs: Repairs = { repaired: [], damaged: [], empty: [], failed: [] };
  for (const { path, bytes } of await logsOf(folder, room)) {
    if (path.endsWith(DAMAGED)) continue;
    try {
      if ((await isWhole(path)) || (await isBeingWritten(path, now))) continue;
      if (bytes < MCAP_MAGIC.length) await unlink(path);
      else repairs[await repair(path, room)].push(path);
    } catch (error) {
      repairs.failed.push({ path, error: error as Error });
    }
  }
  return repairs;
}

/** Writes what can be read to a file beside it, and puts that in its place. */
async function repair(path: string, room: string): Promise<'repaired' | 'damaged' | 'empty'> {
  const channels = new Map<string, number>(TOPICS.map(({ name }, channel) => [name, channel]));
  const file = await createMcapFile(path + REPAIRING, TOPICS, aboutOf(room));
  let outcome: 'repaired' | 'damaged' | 'empty' = 'empty';
  let messages: LogMessage[] = [];
  const flush = async () => {
    if (messages.length > 0) await file.append(messages);
    messages = [];
  };
  try {
    try {
      for await (const { topic, time, data } of readMessages(path)) {
        const channel = channels.get(topic);
        outcome = 'repaired';
        if (channel === undefined) continue;
        if (messages[0] && time - messages[0].time >= CHUNK_NS) await flush();
        messages.push({ channel, time, data });
      }
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      outcome = 'damaged';
    }
    await flush();
    await file.end();
    // Its vehicle ended before it had said anything; of the copy nothing is kept either.
    if (outcome === 'empty') {
      await unlink(path);
      return outcome;
    }
    if (outcome === 'damaged') await rename(path, path + DAMAGED);
    await rename(path + REPAIRING, path);
    return outcome;
  } catch (error) {
    await file.end().catch(() => {});
    await unlink(path + REPAIRING).catch(() => {});
    throw error;
  }
}
