/** From when to when a log goes. */
import { open } from 'node:fs/promises';
import { McapIndexedReader } from '@mcap/core';
import { DamagedError, decompressHandlers, isWhole, readMessages } from './read.ts';

/** ns since the epoch; null for a log without messages. */
export type Span = { from: bigint; to: bigint } | null;

/** Of a whole file from its summary, else from all that can be read. */
export async function spanOf(path: string): Promise<Span> {
  if (!(await isWhole(path))) return spanOfAll(path);
  const handle = await open(path);
  try {
    const readable = {
      size: async () => BigInt((await handle.stat()).size),
      async read(offset: bigint, length: bigint) {
        const data = new Uint8Array(Number(length));
        await handle.read(data, 0, data.length, Number(offset));
        return data;
      },
    };
    const { statistics } = await McapIndexedReader.Initialize({ readable, decompressHandlers });
    if (!statistics?.messageCount) return null;
    return { from: statistics.messageStartTime, to: statistics.messageEndTime };
  } finally {
    await handle.close();
  }
}

async function spanOfAll(path: string): Promise<Span> {
  let from: bigint | null = null;
  let to = 0n;
  try {
    for await (const { time } of readMessages(path)) {
      from ??= time;
      to = time;
    }
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
  }
  return from === null ? null : { from, to };
}
