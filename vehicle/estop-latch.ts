/** Keeps an emergency stop over the end of the agent: one that was killed, or started anew, must not undo it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../shared/log.ts';
import { makeFolder } from './log/log-folder.ts';

export interface Estop {
  by: string;
  reason: string | null;
}

export interface EstopLatch {
  /** What is in force since before this agent was started; null when nothing is. */
  readonly found: Estop | null;
  /** The first counts until `clear`. */
  set(estop: Estop): void;
  clear(): void;
}

/**
 * What can't be kept is said in the log, and the vehicle stops all the same.
 * @param file in a folder that may not be there yet; null to remember nothing
 */
export async function createEstopLatch(file: string | null, log: Log): Promise<EstopLatch> {
  const found = file === null ? null : read(file, log);
  let latched = found !== null;
  // Now, so that a stop has nothing to do but to write.
  if (file !== null) await makeFolder(dirname(file)).catch((error) => warn('an emergency stop', error));

  function warn(what: string, { message: reason }: Error): void {
    log.warn({ file, reason }, `${what} can’t be written down: it is lost with this agent`);
  }

  function keep(what: string, act: (file: string) => void): void {
    if (file === null) return;
    try {
      act(file);
    } catch (error) {
      warn(what, error as Error);
    }
  }

  return {
    found,
    set(estop) {
      if (latched) return;
      latched = true;
      keep('the emergency stop', (path) => {
        writeFileSync(path, JSON.stringify(estop), { mode: 0o600, flush: true });
      });
    },
    clear() {
      if (!latched) return;
      latched = false;
      keep('the end of the emergency stop', (path) => rmSync(path, { force: true }));
    },
  };
}

function read(file: string, log: Log): Estop | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    // It is there, and may say anything.
    log.warn({ file, reason: code }, 'what may be an emergency stop can’t be read: it is taken for one');
    return { by: 'an earlier run', reason: null };
  }
  try {
    const { by, reason } = JSON.parse(text);
    if (typeof by === 'string') return { by, reason: typeof reason === 'string' ? reason : null };
  } catch {
    // Cut off while it was written: a stop it was.
  }
  return { by: 'an earlier run', reason: null };
}
