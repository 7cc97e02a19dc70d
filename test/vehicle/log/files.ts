/** Drive logs for tests: a folder of their own, and their messages as any reader of MCAP finds them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import { onTestFinished } from 'vitest';
import { decompressHandlers } from '../../../vehicle/log/read.ts';

export interface Logged {
  topic: string;
  /** ns since the epoch. */
  logTime: bigint;
  message: Record<string, unknown>;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Paths of what is in the folder of a room, by name. */
export const filesIn = (folder: string, room = 'car1'): string[] =>
  readdirSync(join(folder, room))
    .sort()
    .map((name) => join(folder, room, name));

/** Opens a file by its index, which only a whole one has. */
export async function indexed(path: string) {
  const handle = await open(path);
  onTestFinished(() => handle.close());
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt((await handle.stat()).size),
      async read(offset, length) {
        const data = new Uint8Array(Number(length));
        await handle.read(data, 0, data.length, Number(offset));
        return data;
      },
    },
    decompressHandlers,
  });
  const messages: Logged[] = [];
  for await (const { channelId, data, logTime } of reader.readMessages()) {
    const topic = reader.channelsById.get(channelId)?.topic ?? '';
    messages.push({ topic, logTime, message: JSON.parse(Buffer.from(data).toString()) });
  }
  /** JSON Schemas by topic. */
  const schemas = new Map(
    [...reader.channelsById.values()].map(({ topic, schemaId }) => {
      const { name = '', data } = reader.schemasById.get(schemaId) ?? {};
      return [topic, { name, schema: JSON.parse(Buffer.from(data ?? []).toString()) }];
    }),
  );
  return { reader, messages, schemas };
}
