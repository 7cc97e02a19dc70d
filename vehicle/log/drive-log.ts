/**
 * The drive log of one vehicle: MCAP files in its folder, begun anew by size and by time, together never more than
 * a limit. Nothing here holds up the vehicle or fails it: what is to be written waits in a queue with an end, and
 * where the file system does not take it the log stops, says so once, and tries again later.
 */
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { DEFAULT_BYTES, DEFAULT_FILE_BYTES, DEFAULT_FILE_MS, DEFAULT_RETRY_MS } from './defaults.ts';
import { aboutOf, claim, makeFolder, makeRoom, nameAt, release } from './log-folder.ts';
import type { LogMessage } from './mcap-bytes.ts';
import { createMcapFile, type McapFile } from './mcap-file.ts';
import { repairAll } from './repair.ts';
import { TOPICS, type TopicName } from './topics.ts';
import { reasonOf } from './why.ts';

/** What a kill costs at most, ms. */
const FLUSH_MS = 1_000;
/** So much is written at once without waiting for that, bytes. */
const FLUSH_BYTES = 512 * 1024;
/** What may wait while the disk is slow, bytes: more than ten seconds with video. */
const MOST_WAITING = 8 * 1024 * 1024;
/** A file is at most this part of all. */
const LEAST_FILES = 4;

export interface DriveLogOptions {
  /** Files are in a folder of it that is named after the room. */
  folder: string;
  /** Most of all files of the vehicle together; this and the others have their defaults in defaults.ts. */
  bytes?: number | undefined;
  /** A file that is so large is ended, and another begun. */
  fileBytes?: number | undefined;
  /** A file that is so old too, ms. */
  fileMs?: number | undefined;
  /** How long after an error it is tried again, ms. */
  retryMs?: number | undefined;
}

export interface DriveLog {
  /** Takes a message for a topic; never throws, never waits. @param time ms since the epoch */
  write(topic: TopicName, message: object, time: number): void;
  /** Writes what waits now instead of within the second. Resolves when that is done, or has failed. */
  flush(): Promise<void>;
  /** Writes what waits, and ends the file. */
  close(): Promise<void>;
}

const channelOf = new Map<string, number>(TOPICS.map(({ name }, channel) => [name, channel]));

/** @param onNext another file than the first has been begun */
export function startDriveLog(
  room: string,
  options: DriveLogOptions,
  clock: Clock,
  log: Log,
  onNext: () => void = () => {},
): DriveLog {
  const { folder, fileMs = DEFAULT_FILE_MS, retryMs = DEFAULT_RETRY_MS } = options;
  const bytes = options.bytes ?? DEFAULT_BYTES;
  const fileBytes = Math.min(options.fileBytes ?? DEFAULT_FILE_BYTES, Math.floor(bytes / LEAST_FILES));
  const about = aboutOf(room);
  let waiting: LogMessage[] = [];
  let waitingBytes = 0;
  let lost = { messages: 0, reason: '' };
  let file: McapFile | null = null;
  let fileSince = 0;
  /** The log has stopped, and that was said. */
  let stopped = false;
  /** Nothing is tried at the moment. */
  let paused = false;
  let stopPause = () => {};
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  let tidied = false;
  let begun = false;

  function write(topic: TopicName, message: object, time: number): void {
    if (paused) return lose('the log had stopped');
    if (waitingBytes > MOST_WAITING) return lose('the disk was too slow');
    const data = Buffer.from(JSON.stringify(message));
    waiting.push({ channel: channelOf.get(topic) as number, time: nanoseconds(time), data });
    waitingBytes += data.length;
    if (waitingBytes >= FLUSH_BYTES) flush();
  }

  function lose(reason: string, messages = 1): void {
    lost = { messages: lost.messages + messages, reason: lost.reason || reason };
  }

  function flush(): void {
    if (busy || waiting.length === 0) return;
    busy = true;
    writing = writeWaiting().finally(() => {
      busy = false;
    });
  }

  async function writeWaiting(): Promise<void> {
    const messages = waiting;
    const size = waitingBytes;
    waiting = [];
    waitingBytes = 0;
    try {
      if (!tidied) await tidy();
      const gap = lost;
      await (await fileFor(size, messages)).append(
        gap.messages > 0 ? [gapMessage(gap, messages), ...messages] : messages,
      );
      const more = lost.messages - gap.messages;
      lost = { messages: more, reason: more > 0 ? lost.reason : '' };
      if (stopped) log.info({ room }, 'the drive log goes on');
      stopped = false;
    } catch (error) {
      await stop(error as Error, messages.length);
    }
  }

  /** The file that so much is to go into, named by its first message. */
  async function fileFor(size: number, [first]: LogMessage[]): Promise<McapFile> {
    const now = clock.now();
    // A clock that was set back must not make a file endless.
    const old = now - fileSince >= fileMs || now < fileSince;
    if (file && (old || file.bytes + size > fileBytes)) await endFile();
    if (file) return file;
    await makeFolder(join(folder, room));
    for (const path of await makeRoom(folder, room, bytes - fileBytes, now)) {
      log.debug({ room, path }, 'deleted the oldest drive log');
    }
    fileSince = now;
    file = await create(first ? Number(first.time / 1_000_000n) : now);
    claim(file.path);
    if (begun) onNext();
    begun = true;
    return file;
  }

  async function create(at: number): Promise<McapFile> {
    try {
      return await createMcapFile(join(folder, room, nameAt(at)), TOPICS, about);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return create(at + 1);
    }
  }

  async function endFile(): Promise<void> {
    const ending = file;
    file = null;
    if (!ending) return;
    try {
      await ending.end();
    } finally {
      release(ending.path);
    }
  }

  async function stop(error: Error, messages: number): Promise<void> {
    lose('the log had stopped', messages + waiting.length);
    waiting = [];
    waitingBytes = 0;
    paused = true;
    stopPause = clock.after(retryMs, () => {
      paused = false;
    });
    await endFile().catch(() => {});
    if (stopped) return;
    stopped = true;
    const reason = reasonOf(error);
    log.warn(
      { room, folder, reason },
      `the drive log has stopped, the vehicle goes on: ${reason}; it is tried again every ${Math.round(retryMs / 1000)} s`,
    );
  }

  /** Once; that an old file can't be repaired is no reason not to begin a new one. */
  async function tidy(): Promise<void> {
    tidied = true;
    try {
      const { repaired, damaged, failed } = await repairAll(folder, room, clock.now());
      for (const path of repaired) log.info({ room, path }, 'repaired a drive log that was cut off');
      for (const path of damaged) {
        log.warn(
          { room, path },
          'a drive log is damaged: what could be read is kept, and the rest beside it',
        );
      }
      for (const { path, error } of failed) {
        const reason = reasonOf(error);
        log.warn({ room, path, reason }, `a drive log that was cut off can’t be repaired: ${reason}`);
      }
    } catch (error) {
      const reason = reasonOf(error as Error);
      log.warn({ room, folder, reason }, `drive logs that were cut off can’t be repaired: ${reason}`);
    }
  }

  async function flushNow(): Promise<void> {
    await writing;
    flush();
    await writing;
  }

  const stopFlushing = clock.every(FLUSH_MS, flush);
  return {
    write,
    flush: flushNow,
    async close() {
      stopFlushing();
      await flushNow();
      await endFile().catch((error) => stop(error, 0));
      stopPause();
    },
  };
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n;

/** Before the first message that is there again. */
const gapMessage = (gap: object, [next]: LogMessage[]): LogMessage => ({
  channel: channelOf.get('/gap' satisfies TopicName) as number,
  time: next?.time ?? 0n,
  data: Buffer.from(JSON.stringify(gap)),
});
