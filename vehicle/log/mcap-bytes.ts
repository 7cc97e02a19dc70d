/**
 * The bytes of an MCAP file (https://mcap.dev/spec), part by part. `McapWriter` of @mcap/core does the same, but
 * ends a chunk by size only; here a chunk ends when it is time to have it on the disk.
 */
import { promisify } from 'node:util';
import { constants, crc32, zstdCompress } from 'node:zlib';
import { McapChunkBuilder, McapRecordBuilder, Opcode } from '@mcap/core';
import type { Topic } from './topics.ts';

const compress = promisify(zstdCompress);
/** Text like this becomes a tenth of itself with the quickest level already. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const COMPRESSION = 'zstd';
const LIBRARY = 'plntry';
/** CRCs that are optional: each chunk has its own. */
const NO_CRC = 0;

export interface LogMessage {
  /** Place of its topic in the list. */
  channel: number;
  /** ns since the epoch. */
  time: bigint;
  /** JSON. */
  data: Uint8Array;
}

/** What is said of the file itself, as MCAP metadata. */
export interface About {
  name: string;
  values: Map<string, string>;
}

/** What the summary says of a chunk. */
export interface WrittenChunk {
  index: Parameters<McapRecordBuilder['writeChunkIndex']>[0];
  /** Messages by channel. */
  counts: Map<number, number>;
}

interface Head {
  bytes: Uint8Array;
  about: { offset: bigint; length: bigint };
}

/** Begins a file. Topics come first, so that a file that is cut off anywhere can be read. */
export function headOf(topics: readonly Topic[], about: About): Head {
  const records = new McapRecordBuilder();
  records.writeMagic();
  records.writeHeader({ profile: '', library: LIBRARY });
  const offset = BigInt(records.length);
  const length = records.writeMetadata({ name: about.name, metadata: about.values });
  writeTopics(records, topics);
  return { bytes: records.buffer, about: { offset, length } };
}

/** @param messages at least one @param at where in the file it will be, bytes */
export async function chunkOf(
  messages: readonly LogMessage[],
  at: number,
): Promise<{ bytes: Uint8Array; chunk: WrittenChunk }> {
  const builder = new McapChunkBuilder({ useMessageIndex: true });
  const counts = new Map<number, number>();
  for (const { channel, time, data } of messages) {
    builder.addMessage({ channelId: channel, sequence: 0, logTime: time, publishTime: time, data });
    counts.set(channel, (counts.get(channel) ?? 0) + 1);
  }
  const plain = builder.buffer;
  const packed = await compress(plain, LEVEL);
  const times = { messageStartTime: builder.messageStartTime, messageEndTime: builder.messageEndTime };
  const uncompressedSize = BigInt(plain.length);
  const records = new McapRecordBuilder();
  const chunkLength = records.writeChunk({
    ...times,
    uncompressedSize,
    uncompressedCrc: crc32(plain),
    compression: COMPRESSION,
    records: packed,
  });
  const indexStart = records.length;
  const messageIndexOffsets = new Map<number, bigint>();
  for (const index of builder.indices) {
    messageIndexOffsets.set(index.channelId, BigInt(at + records.length));
    records.writeMessageIndex(index);
  }
  const index = {
    ...times,
    chunkStartOffset: BigInt(at),
    chunkLength,
    messageIndexOffsets,
    messageIndexLength: BigInt(records.length - indexStart),
    compression: COMPRESSION,
    compressedSize: BigInt(packed.length),
    uncompressedSize,
  };
  return { bytes: records.buffer, chunk: { index, counts } };
}

/** Ends a file: with this, a reader finds any moment without reading it all. @param at where it will be, bytes */
export function tailOf(
  topics: readonly Topic[],
  { name }: About,
  head: Head,
  chunks: readonly WrittenChunk[],
  at: number,
): Uint8Array {
  const records = new McapRecordBuilder();
  records.writeDataEnd({ dataSectionCrc: NO_CRC });
  const summaryStart = BigInt(at + records.length);
  const groups: [Opcode, () => void][] = [
    [Opcode.SCHEMA, () => writeSchemas(records, topics)],
    [Opcode.CHANNEL, () => writeChannels(records, topics)],
    [Opcode.STATISTICS, () => records.writeStatistics(statisticsOf(topics, chunks))],
    [Opcode.METADATA_INDEX, () => records.writeMetadataIndex({ name, ...head.about })],
    [Opcode.CHUNK_INDEX, () => chunks.forEach(({ index }) => void records.writeChunkIndex(index))],
  ];
  const offsets = groups.map(([groupOpcode, write]) => {
    const start = records.length;
    write();
    return {
      groupOpcode,
      groupStart: BigInt(at + start),
      groupLength: BigInt(records.length - start),
    };
  });
  const summaryOffsetStart = BigInt(at + records.length);
  for (const offset of offsets) if (offset.groupLength > 0n) records.writeSummaryOffset(offset);
  records.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc: NO_CRC });
  records.writeMagic();
  return records.buffer;
}

function writeTopics(records: McapRecordBuilder, topics: readonly Topic[]): void {
  writeSchemas(records, topics);
  writeChannels(records, topics);
}

/** Each topic has a schema of its own; 0 would mean none. */
function writeSchemas(records: McapRecordBuilder, topics: readonly Topic[]): void {
  for (const [channel, { schemaName, schema }] of topics.entries()) {
    const data = Buffer.from(JSON.stringify(schema));
    records.writeSchema({ id: channel + 1, name: schemaName, encoding: 'jsonschema', data });
  }
}

function writeChannels(records: McapRecordBuilder, topics: readonly Topic[]): void {
  for (const [id, { name }] of topics.entries()) {
    records.writeChannel({
      id,
      schemaId: id + 1,
      topic: name,
      messageEncoding: 'json',
      metadata: new Map(),
    });
  }
}

function statisticsOf(topics: readonly Topic[], chunks: readonly WrittenChunk[]) {
  const channelMessageCounts = new Map<number, bigint>();
  let messageCount = 0n;
  for (const { counts } of chunks) {
    for (const [channel, count] of counts) {
      channelMessageCounts.set(channel, (channelMessageCounts.get(channel) ?? 0n) + BigInt(count));
      messageCount += BigInt(count);
    }
  }
  const least = (a: bigint, b: bigint) => (a < b ? a : b);
  const most = (a: bigint, b: bigint) => (a > b ? a : b);
  const starts = chunks.map(({ index }) => index.messageStartTime);
  const ends = chunks.map(({ index }) => index.messageEndTime);
  return {
    messageCount,
    schemaCount: topics.length,
    channelCount: topics.length,
    attachmentCount: 0,
    metadataCount: 1,
    chunkCount: chunks.length,
    messageStartTime: starts.reduce(least, starts[0] ?? 0n),
    messageEndTime: ends.reduce(most, 0n),
    channelMessageCounts,
  };
}
