/** Reads MCAP files of JSON messages: whole ones, and ones that were cut off anywhere. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { MCAP_MAGIC, McapStreamReader, type TypedMcapRecord } from '@mcap/core';

const MAGIC = Buffer.from(MCAP_MAGIC);

export const decompressHandlers = { zstd: (data: Uint8Array) => new Uint8Array(zstdDecompressSync(data)) };

export interface ReadMessage {
  topic: string;
  schemaName: string;
  /** ns since the epoch. */
  time: bigint;
  data: Uint8Array;
}

/** What a file says of itself; see `about` in log-folder.ts. */
export type Metadata = ReadonlyMap<string, string>;

/** A file that is not MCAP, or that holds something else than JSON; the message is a sentence. */
export class UnreadableError extends Error {}
/** Not even its beginning is there. */
export class NoMcapError extends UnreadableError {}

/** It can be read up to somewhere, and there is more. */
export class DamagedError extends UnreadableError {}

/** So much at the end of a file is looked at, bytes: a block of most file systems. */
const BLOCK = 4096;

/** Whether a file was ended, and so has its index. */
export async function isWhole(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size < 2 * MAGIC.length) return false;
    const end = Buffer.alloc(MAGIC.length);
    await handle.read(end, 0, MAGIC.length, size - MAGIC.length);
    return end.equals(MAGIC);
  } finally {
    await handle.close();
  }
}

/**
 * All messages, as they were written. Of a file that is cut off, up to where it can be read.
 * @throws DamagedError after the last that can be read, where there is more
 */
export async function* readMessages(path: string): AsyncGenerator<ReadMessage> {
  const schemas = new Map<number, string>();
  const channels = new Map<number, { topic: string; schemaName: string }>();
  for await (const record of readRecords(path)) {
    if (record.type === 'Schema') schemas.set(record.id, record.name);
    if (record.type === 'Channel') {
      if (record.messageEncoding !== 'json') {
        throw new UnreadableError(
          `${path} has messages in ${record.messageEncoding}; only JSON can be read.`,
        );
      }
      channels.set(record.id, { topic: record.topic, schemaName: schemas.get(record.schemaId) ?? '' });
    }
    if (record.type === 'DataEnd') return;
    const channel = record.type === 'Message' && channels.get(record.channelId);
    if (channel) yield { ...channel, time: record.logTime, data: record.data };
  }
}

/** What the file says of itself under a name; null where it says nothing. */
export async function readMetadata(path: string, name: string): Promise<Metadata | null> {
  for await (const record of readRecords(path)) {
    if (record.type === 'Metadata' && record.name === name) return record.metadata;
    if (record.type === 'Message') return null;
  }
  return null;
}

async function* readRecords(path: string): AsyncGenerator<TypedMcapRecord> {
  const reader = new McapStreamReader({ decompressHandlers });
  let readable = false;
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    let record: TypedMcapRecord | undefined;
    try {
      reader.append(piece);
      record = reader.nextRecord();
      while (record) {
        readable = true;
        yield record;
        record = reader.nextRecord();
      }
    } catch (error) {
      const { message } = error as Error;
      if (message.startsWith('Unsupported compression')) throw new UnreadableError(`${path}: ${message}.`);
      // Where the machine lost its power, blocks may be there that were never filled.
      if (readable && (await endsInZeros(path))) return;
      if (readable) throw new DamagedError(`${path} is damaged: what follows can’t be read.`);
      throw new NoMcapError(`${path} is not an MCAP file.`);
    }
  }
  if (!readable) throw new NoMcapError(`${path} is not an MCAP file, or is empty.`);
}

async function endsInZeros(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const end = Buffer.alloc(Math.min(BLOCK, size));
    await handle.read(end, 0, end.length, size - end.length);
    return end.every((byte) => byte === 0);
  } finally {
    await handle.close();
  }
}
