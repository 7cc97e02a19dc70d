/** The vehicle's own key: made at its first start, and kept in a file that only its user can read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../shared/log.ts';
import { fingerprintOf, newKey, publicKeyOf } from '../shared/signature.ts';
import { NODE_ED25519 } from './ed25519.ts';
import { makeFolder } from './log/log-folder.ts';

/**
 * The secret key of a file, which is made if it isn't there; null where none can be kept: a vehicle that signed
 * with another key after each start would be refused by everybody who has seen it once.
 * @param file in a folder that may not be there yet
 * @throws Error of one sentence when what is there can't be read, or is no key
 */
export async function ownKey(file: string, log: Log): Promise<string | null> {
  const kept = readKey(file) ?? (await makeKey(file).catch((error: Error) => unkept(error)));
  const publicKey = kept === null ? null : publicKeyOf(kept, NODE_ED25519);
  if (publicKey !== null)
    log.info({ publicKey, fingerprint: fingerprintOf(publicKey) }, 'signs with its key');
  return kept;

  function unkept({ message: reason }: Error): null {
    log.warn(
      { file, reason },
      'no key can be kept: consoles can’t tell this vehicle from others that say its name',
    );
    return null;
  }
}

/** The secret key of a file; null when there is no such file. @throws Error of one sentence */
export function readKey(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new Error(`The key in ${file} can’t be read (${code}).`);
  }
  try {
    publicKeyOf(text, NODE_ED25519);
    return text;
  } catch {
    throw new Error(`${file} holds no key; restore it, or remove it to have a new one made.`);
  }
}

async function makeKey(file: string): Promise<string> {
  await makeFolder(dirname(file));
  const key = newKey();
  try {
    // Never over one that is there: another agent of this vehicle may have made it just now.
    writeFileSync(file, `${key}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return key;
  } catch (error) {
    const theirs = (error as NodeJS.ErrnoException).code === 'EEXIST' ? readKey(file) : null;
    if (theirs === null) throw error;
    return theirs;
  }
}
