/** A list as it was configured. */
import type { IceServer } from '../../shared/server-api.ts';
import { type IceProvider, MAX_TTL_S } from './provider.ts';

export function fixedIceServers(iceServers: IceServer[]): IceProvider {
  // It does not expire; asking again now and then picks up a new configuration.
  const grant = { iceServers, ttl: MAX_TTL_S };
  return { name: 'The fixed list', shared: false, iceServers: async () => grant };
}
