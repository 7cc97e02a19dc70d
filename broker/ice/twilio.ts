/**
 * Twilio's Network Traversal Service.
 * https://www.twilio.com/docs/stun-turn/api
 */
import { usableIceServers } from './check.ts';
import type { IceProvider } from './provider.ts';
import { askService, callUrl, nonsense } from './service.ts';

export interface TwilioOptions {
  accountSid: string;
  authToken: string;
  /** How long credentials are to be valid, seconds. */
  ttl: number;
  /** Of the API. */
  baseUrl: string;
}

const NAME = 'Twilio TURN';
const REFUSED = { means: 'refused the auth token', check: 'PLNTRY_TWILIO_AUTH_TOKEN' };
const UNKNOWN = { means: 'knows no such account', check: 'PLNTRY_TWILIO_ACCOUNT_SID' };

export function twilio({ accountSid, authToken, ttl, baseUrl }: TwilioOptions): IceProvider {
  const url = callUrl(`/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Tokens.json`, baseUrl);
  const login = Buffer.from(`${accountSid}:${authToken}`).toString('base64');
  const init = {
    method: 'POST',
    headers: { Authorization: `Basic ${login}` },
    body: new URLSearchParams({ Ttl: String(ttl) }),
  };
  const refusals = { 401: REFUSED, 403: REFUSED, 404: UNKNOWN };
  return {
    name: NAME,
    shared: true,
    async iceServers(_peer, signal) {
      const answer = await askService({ name: NAME, url, init, refusals }, signal);
      // The ttl comes as text.
      const { ice_servers, ttl: granted } = (answer ?? {}) as { ice_servers?: unknown; ttl?: unknown };
      const iceServers = usableIceServers(ice_servers);
      if (iceServers.length === 0) throw nonsense(NAME, url);
      return { iceServers, ttl: Math.min(ttl, Number(granted) || ttl) };
    },
  };
}
