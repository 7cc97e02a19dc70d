/** The fleet's list of its vehicles' public keys: a JSON file, `{"car1": "key"}`, read anew when it has changed. */
import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod/mini';
import { isKey } from '../shared/keys.ts';
import type { Log } from '../shared/log.ts';
import { check } from '../shared/messages.ts';
import { isId } from '../shared/topics.ts';

export type VehicleKeys = Record<string, string>;

const Schema = z.record(
  z.string().check(z.refine(isId, { error: 'is not a room' })),
  z.string().check(z.refine(isKey, { error: 'is not a public key, as `plntry key` prints it' })),
);

/**
 * Returns what asks for the list as it is now. A file that has become unusable is said in the log, and what was
 * read last counts on: a slip in it must not make every console believe whoever it sees first.
 * @throws Error of one sentence when it is unusable from the start
 */
export function createVehicleKeys(file: string, log: Log): () => VehicleKeys {
  let keys = read(file);
  let seen = version(file);
  return () => {
    const now = version(file);
    if (now === seen) return keys;
    seen = now;
    try {
      keys = read(file);
      log.info({ file, vehicles: Object.keys(keys).length }, 'the vehicles’ keys have been read anew');
    } catch (error) {
      log.error({ file }, `${(error as Error).message} The keys of before count on.`);
    }
    return keys;
  };
}

function read(file: string): VehicleKeys {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(
      `The vehicles’ keys in ${file} can’t be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  const parsed = check(Schema, parseJson(text));
  if (parsed.ok) return parsed.value;
  throw new Error(`The vehicles’ keys in ${file} are no JSON object of room and key (${parsed.reason}).`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Another one when the file has changed; null while it is not there. */
function version(file: string): string | null {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : null;
}
