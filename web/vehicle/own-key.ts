/** The key of this device as a vehicle: made when it first is one, and kept by the browser for this server and room. */
import { isKey } from '../../shared/keys.ts';
import { newKey } from '../../shared/signature.ts';
import { keep, readKept } from '../kept.ts';

/** The secret key. */
export function ownKey(root: string, room: string): string {
  const name = `key:${root}/${room}`;
  const kept = readKept(name);
  if (kept !== null && isKey(kept)) return kept;
  const made = newKey();
  keep(name, made);
  return made;
}
