/** The fleet's passes for its operators, and the key that they are signed with. What a pass is: shared/pass.ts. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { issuePass, type Pass } from '../../shared/pass.ts';
import { newKey, publicKeyOf } from '../../shared/signature.ts';

export interface PassRequest {
  /** Id of the operator's page. */
  peer: string;
  /** Its public key. */
  key: string;
  role: Pass['role'];
  /** Names and patterns; see shared/room-pattern.ts. */
  rooms: string[];
  /** When it ends, ms since the epoch. */
  expires: number;
}

export interface Passes {
  /** By which vehicles know the passes. */
  publicKey: string;
  /** @throws Error when the peer, the key or a room is none */
  issue(request: PassRequest): string;
}

/**
 * @param file with the fleet's secret key, made at first use, for its user alone; its folder is made too, not those above
 * @throws Error of one sentence when it can't be read or made: another key would lock every operator out
 */
export function createPasses(file: string): Passes {
  const secretKey = read(file) ?? make(file);
  const publicKey = keyOf(file, secretKey);
  return {
    publicKey,
    issue: ({ peer, key, role, rooms, expires }) =>
      issuePass({ sub: peer, key, role, rooms, exp: Math.floor(expires / 1000) }, secretKey),
  };
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new Error(`The fleet’s key in ${file} can’t be read (${code}).`);
  }
}

function make(file: string): string {
  const key = newKey();
  try {
    const folder = dirname(file);
    // One level: Node's `recursive` never ends where none can be made, as in /proc.
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    // Never over one that is there.
    writeFileSync(file, `${key}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return key;
  } catch (error) {
    throw new Error(`The fleet’s key can’t be kept in ${file} (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function keyOf(file: string, secretKey: string): string {
  try {
    return publicKeyOf(secretKey);
  } catch {
    throw new Error(
      `${file} holds no key of a fleet; restore it, or remove it and have every vehicle forget the old one.`,
    );
  }
}
