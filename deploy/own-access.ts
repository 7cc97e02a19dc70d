/**
 * The access that a server gives by itself when it starts: to its own car, and to who has started it. It is taken back
 * when the server stops, or by the next one after a crash; invitations that somebody has used go on.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '../broker/access/access.ts';
import type { Issued, Issuer } from '../broker/access/issue.ts';
import { accessFolder } from '../broker/access/secret.ts';
import type { Log } from '../shared/log.ts';

/** The server's process id, and the ids of what it has given, one a line. */
const FILE = 'given-at-start';

export interface OwnAccess extends Pick<Issuer, 'invitation' | 'token'> {
  takeBack(): void;
}

/** @param data the server's data folder */
export function keepOwnAccess(access: Access, data: string, log: Log): OwnAccess {
  const file = join(accessFolder(data), FILE);
  const { issuer, endings } = access;
  let ids: string[] = [];

  async function remembered(issuing: Promise<Issued>): Promise<Issued> {
    const issued = await issuing;
    ids.push(issued.id);
    writeFileSync(file, `${[process.pid, ...ids].join('\n')}\n`, { mode: 0o600 });
    return issued;
  }

  function takeBack(): void {
    if (ids.length === 0) return;
    try {
      for (const id of ids) if (endings.uses(id).length === 0) endings.end(id);
      ids = [];
      rmSync(file, { force: true });
    } catch (error) {
      log.warn(
        { ids, reason: (error as Error).message },
        'access that was given at the start can’t be ended',
      );
    }
  }

  ids = leftBehind(file);
  takeBack();
  return {
    takeBack,
    token: (...args) => remembered(issuer.token(...args)),
    invitation: (...args) => remembered(issuer.invitation(...args)),
  };
}

/** By a server that has crashed; another one that runs, though they should not share a folder, needs what it gave. */
function leftBehind(file: string): string[] {
  try {
    const [pid, ...ids] = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return isOther(Number(pid)) ? [] : ids;
  } catch {
    return [];
  }
}

function isOther(pid: number): boolean {
  try {
    return pid !== process.pid && process.kill(pid, 0);
  } catch {
    return false;
  }
}
