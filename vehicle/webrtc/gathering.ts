/** How a werift connection finds its addresses. */
import type * as werift from 'werift';
import type { IceServer } from '../../shared/server-api.ts';

/** werift takes one URL for each server. */
export function oneUrlEach({ urls, username, credential }: IceServer): werift.RTCIceServer[] {
  const login = username === undefined || credential === undefined ? {} : { username, credential };
  return [urls].flat().map((url) => ({ urls: url, ...login }));
}
