/** One MCAP file while it is written. What has been appended stays readable whatever becomes of the process. */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { type About, chunkOf, headOf, type LogMessage, tailOf, type WrittenChunk } from './mcap-bytes.ts';
import type { Topic } from './topics.ts';

/** Logs tell where somebody has been. */
const OWN_USER_ONLY = 0o600;

/** What ends a file beside the topics that it begins with: statistics, offsets, footer; and for each chunk. */
const SUMMARY_BYTES = 1024;
const CHUNK_INDEX_BYTES = 256;

export interface McapFile {
  readonly path: string;
  /** How large it will be when it is ended now, at most, bytes. */
  readonly bytes: number;
  /** Appends one chunk. Throws what the file system says; then the file still ends with a whole chunk, if it can be. */
  append(messages: readonly LogMessage[]): Promise<void>;
  /** Writes the index and closes. Throws what the file system says; the file is closed either way. */
  end(): Promise<void>;
}

/** Makes the file; throws EEXIST where there is one already. */
export async function createMcapFile(
  path: string,
  topics: readonly Topic[],
  about: About,
): Promise<McapFile> {
  const handle = await open(path, 'wx', OWN_USER_ONLY);
  const head = headOf(topics, about);
  const chunks: WrittenChunk[] = [];
  let bytes = 0;

  async function write(data: Uint8Array): Promise<void> {
    try {
      await writeAll(handle, data, bytes);
    } catch (error) {
      await handle.truncate(bytes).catch(() => {});
      throw error;
    }
    bytes += data.length;
  }

  try {
    await write(head.bytes);
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error;
  }
  return {
    path,
    get bytes() {
      return bytes + head.bytes.length + SUMMARY_BYTES + chunks.length * CHUNK_INDEX_BYTES;
    },
    async append(messages) {
      const { bytes: data, chunk } = await chunkOf(messages, bytes);
      await write(data);
      chunks.push(chunk);
      // What is written to a file that has been deleted is lost without a word.
      if ((await handle.stat()).nlink === 0) throw new DeletedError(`${path} was deleted`);
    },
    async end() {
      try {
        if (chunks.length > 0) await write(tailOf(topics, about, head, chunks, bytes));
        else await unlink(path);
      } finally {
        await handle.close();
      }
    },
  };
}

export class DeletedError extends Error {}

async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}
