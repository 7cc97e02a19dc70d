/**
 * Where people reach the server of a data folder: written there by each server with access control that starts, so
 * that invitations from the command line lead to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessFolder } from '../broker/access/secret.ts';
import type { Log } from '../shared/log.ts';
import { parsePublicUrl } from './access-options.ts';

const FILE = 'address';

/** @param data the server's data folder */
export function keepAddress(data: string, url: string, log: Log): void {
  const file = join(accessFolder(data), FILE);
  try {
    writeFileSync(file, `${url}\n`, { mode: 0o600 });
  } catch (error) {
    const { code: reason } = error as NodeJS.ErrnoException;
    log.warn(
      { file, reason },
      'plntry invite needs --public-url, as this server’s address can’t be kept for it',
    );
  }
}

/** Of the server that started last; null when none has. @param folder that of access control */
export function keptAddress(folder: string): string | null {
  try {
    return parsePublicUrl(readFileSync(join(folder, FILE), 'utf8').trim());
  } catch {
    return null;
  }
}
