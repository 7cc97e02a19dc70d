/**
 * metered.ca. With an app's secret key, credentials that expire are made; with the API key of one
 * credential, that one is handed out, and lives as long as its owner has said there.
 * https://www.metered.ca/docs/turn-rest-api/get-credential
 * https://www.metered.ca/docs/turn-rest-api/post-create-credential
 */
import { usableIceServers } from './check.ts';
import type { IceProvider } from './provider.ts';
import { askService, callUrl, nonsense } from './service.ts';

export interface MeteredOptions {
  key: { api: string } | { secret: string };
  /** How long credentials are to be valid, seconds. */
  ttl: number;
  /** Of the app's API, `https://{app}.metered.live`. */
  baseUrl: string;
}

const NAME = 'metered.ca TURN';
/** What credentials that are made here are called in its dashboard. */
const LABEL = 'plntry';

export function metered({ key, ttl, baseUrl }: MeteredOptions): IceProvider {
  async function ask(path: string, query: Record<string, string>, signal: AbortSignal, init?: RequestInit) {
    const url = callUrl(path, baseUrl);
    url.search = new URLSearchParams(query).toString();
    const refused =
      'api' in key
        ? { means: 'refused the API key', check: 'PLNTRY_METERED_API_KEY' }
        : { means: 'refused the secret key', check: 'PLNTRY_METERED_SECRET_KEY' };
    const refusals = {
      400: refused,
      401: refused,
      403: refused,
      404: { means: 'knows no such app', check: 'PLNTRY_METERED_APP' },
    };
    return {
      url,
      answer: await askService({ name: NAME, url, refusals, ...(init ? { init } : {}) }, signal),
    };
  }

  /** Makes a credential that expires, and resolves with its API key. */
  async function make(secretKey: string, signal: AbortSignal): Promise<string> {
    const { url, answer } = await ask('/api/v1/turn/credential', { secretKey }, signal, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ expiryInSeconds: ttl, label: LABEL }),
    });
    const made = (answer as { apiKey?: unknown } | null)?.apiKey;
    if (typeof made !== 'string') throw nonsense(NAME, url);
    return made;
  }

  return {
    name: NAME,
    shared: true,
    async iceServers(_peer, signal) {
      const apiKey = 'api' in key ? key.api : await make(key.secret, signal);
      const { url, answer } = await ask('/api/v1/turn/credentials', { apiKey }, signal);
      const iceServers = usableIceServers(answer);
      if (iceServers.length === 0) throw nonsense(NAME, url);
      return { iceServers, ttl };
    },
  };
}
