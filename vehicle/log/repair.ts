/** Ends the files that were cut off when their vehicle was killed, so that any reader can open them. */
import { rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { aboutOf, isBeingWritten, logsOf, namesIn, REPAIRING } from './log-folder.ts';
import type { LogMessage } from './mcap-bytes.ts';
import { createMcapFile } from './mcap-file.ts';
import { isWhole, NoMcapError, readMessages } from './read.ts';
import { TOPICS } from './topics.ts';

/** So much goes into one chunk, ns. */
const CHUNK_NS = 1_000_000_000n;

/** Repairs what was cut off in a room's folder, and what nobody is writing. @returns the files repaired */
export async function repairAll(folder: string, room: string, now: number): Promise<string[]> {
  for (const name of await namesIn(join(folder, room))) {
    if (name.endsWith(REPAIRING)) await unlink(join(folder, room, name));
  }
  const repaired: string[] = [];
  for (const { path } of await logsOf(folder, room)) {
    if ((await isWhole(path)) || (await isBeingWritten(path, now))) continue;
    await repair(path, room);
    repaired.push(path);
  }
  return repaired;
}

/** Writes what can be read to a file beside it, and puts that in its place. One without a message is deleted. */
async function repair(path: string, room: string): Promise<void> {
  const channels = new Map<string, number>(TOPICS.map(({ name }, channel) => [name, channel]));
  const file = await createMcapFile(path + REPAIRING, TOPICS, aboutOf(room));
  let any = false;
  let messages: LogMessage[] = [];
  const flush = async () => {
    if (messages.length > 0) await file.append(messages);
    messages = [];
  };
  try {
    for await (const { topic, time, data } of readMessages(path)) {
      const channel = channels.get(topic);
      if (channel === undefined) continue;
      any = true;
      if (messages[0] && time - messages[0].time >= CHUNK_NS) await flush();
      messages.push({ channel, time, data });
    }
    await flush();
    await file.end();
  } catch (error) {
    if (error instanceof NoMcapError) return unlink(path).finally(() => file.end());
    await file.end().catch(() => {});
    await unlink(path + REPAIRING).catch(() => {});
    throw error;
  }
  if (any) await rename(path + REPAIRING, path);
  else await unlink(path);
}
