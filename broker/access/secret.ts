/** The server's own secret: made at its first start, in a file that only its user can read. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of HMAC-SHA-256: as long as its output (RFC 7518, 3.2). */
const LEAST_BYTES = 32;
const FILE = 'secret';
/** Those who may read what others keep in a file. */
const OTHERS = 0o077;

/** Where tokens' secret, and who has been given access, are kept. */
export const accessFolder = (data: string): string => join(data, 'access');

/** @returns the bytes; null when it is not base64 of enough of them */
export function parseSecret(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length >= LEAST_BYTES ? bytes : null;
}

/**
 * What is to be said of a secret that others could read until now; asked before {@link openSecret} puts an end to that.
 * @param folder of {@link accessFolder}
 * @returns a sentence; null when there is none, or nobody could
 */
export function secretExposed(folder: string): string | null {
  const file = join(folder, FILE);
  const mode = modeOf(file);
  if ((mode & OTHERS) === 0) return null;
  return `The secret for tokens '${file}' could be read by others (mode ${mode.toString(8)}): if it may have been, stop the server and delete the file, and it makes another one, with which all access given before is void.`;
}

/** 0 for what is not there, or can't be reached: reading it tells why. */
function modeOf(file: string): number {
  // Which has no such modes.
  if (process.platform === 'win32') return 0;
  try {
    return statSync(file).mode & 0o777;
  } catch {
    return 0;
  }
}

/**
 * Reads the secret, or makes one.
 * @param folder of {@link accessFolder}; made if it is not there
 * @throws Error of one sentence when it can't be read or made
 */
export function openSecret(folder: string): Uint8Array {
  const file = join(folder, FILE);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Two that start at once end up with the same one: only the first can make the file.
    writeFileSync(file, `${randomBytes(LEAST_BYTES).toString('base64')}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new Error(`The secret for tokens can't be made in '${folder}' (${code}).`);
  }
  return readSecret(file);
}

function readSecret(file: string): Uint8Array {
  let text: string;
  try {
    if ((statSync(file).mode & OTHERS) !== 0) chmodSync(file, 0o600);
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(
      `The secret for tokens '${file}' can't be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  const secret = parseSecret(text);
  if (secret) return secret;
  throw new Error(`The secret for tokens '${file}' is not base64 of at least ${LEAST_BYTES} bytes.`);
}
