/** Running something until a signal, and the exit statuses. */
import type { Log } from '../shared/log.ts';
import { printable } from '../shared/printable.ts';

/**
 * `replaced`: another agent has the vehicle's room, and starting again would only take it back. `refused`: the broker
 * does not take the vehicle's token, and will not the next time.
 */
export const EXIT = { ok: 0, failure: 1, usage: 2, replaced: 3, refused: 4 } as const;

/** Longest time for leaving cleanly, ms. */
const CLOSE_LIMIT_MS = 8_000;
/** Longest wait for something to start that is to be stopped already, ms. */
const START_LIMIT_MS = 2_000;

export interface Running {
  close(reason?: string): Promise<void>;
  /** Resolves when it can't go on. */
  failed?: Promise<Error>;
}

export interface Stop {
  /** Resolves with the first signal's name. */
  requested: Promise<string>;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP, and for the end of a parent process that has a channel
 * to this one. A second SIGINT ends the process at once.
 */
export function listenForStop(): Stop {
  let asked = false;
  const requested = new Promise<string>((resolve) => {
    const ask = (signal: string) => {
      if (asked && signal === 'SIGINT') endAtOnce('SIGINT');
      asked = true;
      resolve(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ask(signal));
    if (process.connected) process.on('disconnect', () => ask('end of the parent process'));
  });
  return { requested };
}

/**
 * Starts something, lets it run until it fails or a signal comes, closes it and ends the process.
 * @param onStarted is told once it runs, and not when a signal came first
 * @param statusOf the exit status for an error
 */
export async function runUntilStopped<T extends Running>(
  start: () => Promise<T>,
  log: Log,
  onStarted: (running: T) => void = () => {},
  statusOf: (error: Error) => number = () => EXIT.failure,
): Promise<never> {
  const { requested } = listenForStop();
  const stop = requested.then((signal) => {
    log.info({ signal }, 'stopping');
    return null;
  });
  let failure: Error | null = null;
  try {
    const starting = start();
    let running = (await Promise.race([starting, stop])) as T | null;
    if (running) {
      onStarted(running);
      failure = await Promise.race(running.failed ? [stop, running.failed] : [stop]);
    } else {
      running = await within(START_LIMIT_MS, starting);
    }
    if (
      running &&
      (await within(
        CLOSE_LIMIT_MS,
        running.close(failure?.message).then(() => true),
      )) === null
    ) {
      log.warn({ limitMs: CLOSE_LIMIT_MS }, 'did not stop in time');
      endAtOnce('SIGTERM');
    }
  } catch (error) {
    failure = error as Error;
  }
  if (failure) report(failure, log);
  process.exit(failure ? statusOf(failure) : EXIT.ok);
}

/**
 * Whose output nobody reads any more, as with `| head`, ends and says nothing of it. What runs until it is stopped goes
 * on without a log: a car does not stop because what reads its log has.
 */
export function endWithReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (process.listenerCount('SIGTERM') === 0) process.exit();
    });
  }
}

/** Dies of a signal as if nobody listened for it. Unlike process.exit it waits for no thread. */
function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** One sentence for people; the stack only for who asks for it. */
function report(error: Error, log: Log): void {
  process.stderr.write(`plntry: ${printable(error.message || error.name)}\n`);
  log.debug({ stack: error.stack?.split('\n') }, 'stack of the error');
}

/** What a promise resolves with, or null when it has not within the limit. */
export async function within<T>(limitMs: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
