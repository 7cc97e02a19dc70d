/**
 * Cloudflare Realtime TURN.
 * https://developers.cloudflare.com/realtime/turn/generate-credentials/
 */
import { usableIceServers } from './check.ts';
import type { IceProvider } from './provider.ts';
import { askService, callUrl, nonsense } from './service.ts';

export interface CloudflareOptions {
  keyId: string;
  apiToken: string;
  /** How long credentials are to be valid, seconds. */
  ttl: number;
  /** Of the API. */
  baseUrl: string;
}

const NAME = 'Cloudflare TURN';
const REFUSED = { means: 'refused the API token', check: 'PLNTRY_CLOUDFLARE_TURN_API_TOKEN' };
const UNKNOWN = { means: 'knows no such TURN key', check: 'PLNTRY_CLOUDFLARE_TURN_KEY_ID' };
/** Browsers don't connect to port 53, and would report servers there as unreachable. */
const BLOCKED = /:53(\?|$)/;

export function cloudflare({ keyId, apiToken, ttl, baseUrl }: CloudflareOptions): IceProvider {
  const path = `/v1/turn/keys/${encodeURIComponent(keyId)}/credentials/generate-ice-servers`;
  const url = callUrl(path, baseUrl);
  const init = {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ ttl }),
  };
  const refusals = { 401: REFUSED, 403: REFUSED, 404: UNKNOWN };
  return {
    name: NAME,
    shared: true,
    async iceServers(_peer, signal) {
      const answer = await askService({ name: NAME, url, init, refusals }, signal);
      const iceServers = usableIceServers((answer as { iceServers?: unknown } | null)?.iceServers)
        .map((server) => ({ ...server, urls: [server.urls].flat().filter((each) => !BLOCKED.test(each)) }))
        .filter(({ urls }) => urls.length > 0);
      if (iceServers.length === 0) throw nonsense(NAME, url);
      return { iceServers, ttl };
    },
  };
}
