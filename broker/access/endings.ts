/** Whose access has ended before its time, as the register says, also while the server runs. */
import { watch } from 'node:fs';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { sessionOfPeer } from '../../shared/roles.ts';
import { ENDED, type Ended, type EndedFile, openEnded } from './register.ts';
import type { Grant } from './tokens.ts';

/** Looked at besides, where a file system tells nobody of changes, ms. */
const LOOK_MS = 2_000;

/** What the register says. */
interface Said {
  /** Whether this access was ended. */
  has(grant: Pick<Grant, 'id' | 'from' | 'sub' | 'issued'>): boolean;
  /** The sessions that an invitation has been swapped for, by what the ids of their peers begin with. */
  uses(id: string): readonly string[];
}

export interface Endings extends Said {
  /** Written down at once. @throws Error of one sentence */
  use(id: string, sub: string): void;
  end(id: string): void;
  close(): void;
}

export function sumUp(entries: Ended[]): Said {
  /** Until when what has the id, or comes from it, has ended, seconds since the epoch. */
  const ids = new Map<string, number>();
  const used = new Map<string, string[]>();
  /** By peer; '' for everybody. Seconds since the epoch. */
  const before = new Map<string, number>();
  for (const entry of entries) {
    if ('id' in entry && entry.used) used.set(entry.id, [...(used.get(entry.id) ?? []), entry.sub ?? '']);
    else if ('id' in entry) ids.set(entry.id, entry.before ?? Number.POSITIVE_INFINITY);
    else before.set(entry.sub ?? '', Math.max(entry.before, before.get(entry.sub ?? '') ?? 0));
  }
  return {
    has: ({ id, from, sub, issued }) =>
      [id, ...from].some((one) => issued <= (ids.get(one) ?? 0)) ||
      issued <= Math.max(before.get('') ?? 0, before.get(sub) ?? 0, before.get(sessionOfPeer(sub)) ?? 0),
    uses: (id) => used.get(id) ?? [],
  };
}

/** @param onChange more has ended @throws Error of one sentence when it can't be read at the start */
export function watchEndings(folder: string, clock: Clock, log: Log, onChange: () => void): Endings {
  let file: EndedFile;
  let entries: Ended[];
  try {
    file = openEnded(folder);
    entries = file.read();
  } catch (error) {
    throw new Error(
      `Whose access has ended can't be read in '${folder}' (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  /** What was in the file and is not any more: it stays ended. */
  const lost: Ended[] = [];
  let said = sumUp(entries);
  let warned = false;

  function look(): void {
    let now: Ended[];
    try {
      now = file.read();
      warned = false;
    } catch (error) {
      if (!warned) log.warn({ reason: (error as Error).message }, 'whose access has ended can’t be read');
      warned = true;
      return;
    }
    const there = new Set(now.map((entry) => JSON.stringify(entry)));
    const missing = entries.filter((entry) => !there.has(JSON.stringify(entry)));
    if (missing.length === 0 && now.length === entries.length) return;
    if (missing.length > 0) {
      lost.push(...missing);
      log.warn(
        { folder, missing: missing.length },
        'the list of whose access has ended lacks what was in it; what had ended stays so',
      );
    }
    entries = now;
    said = sumUp([...lost, ...entries]);
    onChange();
  }

  const watcher = watch(folder, (_event, file) => {
    if (file === null || file === ENDED) look();
  });
  watcher.on('error', (error) => log.warn({ reason: error.message }, 'changes of access are seen later'));
  const stop = clock.every(LOOK_MS, look);

  return {
    has: (grant) => said.has(grant),
    uses: (id) => said.uses(id),
    use(id, sub) {
      file.add({ id, used: true, sub });
      look();
    },
    end(id) {
      file.add({ id });
      look();
    },
    close() {
      watcher.close();
      stop();
      file.close();
    },
  };
}
