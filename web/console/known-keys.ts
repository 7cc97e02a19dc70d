/** The keys by which this console recognises vehicles: the fleet's word, and pins of its own, per server and room. */
import { isKey } from '../../shared/keys.ts';
import type { KeyStore } from '../../shared/vehicle-trust.ts';
import { keep, readKept } from '../kept.ts';
import type { FleetSettings } from '../settings.ts';

/** @param settings of the server as they are known now; nothing is asked before they are */
export function createKeyStore(room: string, settings: () => FleetSettings | null): KeyStore {
  const pinOf = () => `pin:${settings()?.root}/${room}`;
  return {
    known() {
      const keys = settings()?.keys ?? {};
      const key = Object.hasOwn(keys, room) ? keys[room] : undefined;
      if (key !== undefined) return { key, by: 'fleet' };
      const pinned = readKept(pinOf());
      return pinned !== null && isKey(pinned) ? { key: pinned, by: 'pin' } : null;
    },
    pin: (key) => keep(pinOf(), key),
  };
}
