/** ICE servers as they are configured: by environment variables only, since most of them are secrets. */
import type { IceServer } from '../../shared/server-api.ts';
import { isStunUrl, isTurnUrl } from './check.ts';
import { cloudflare } from './cloudflare.ts';
import { coturn } from './coturn.ts';
import { fixedIceServers } from './fixed.ts';
import { metered } from './metered.ts';
import { type IceProvider, type IceSetup, MAX_TTL_S } from './provider.ts';
import { twilio } from './twilio.ts';

/** A TURN client needs some time to connect with a credential, seconds. */
const MIN_TTL_S = 60;

/** The variables, in the order in which they are told, with what each is. */
export const ICE_VARIABLES = {
  PLNTRY_STUN_URLS: 'STUN servers, stun: URLs with commas between them',
  PLNTRY_TURN_URLS: 'TURN servers, turn: and turns: URLs with commas between them',
  PLNTRY_TURN_SECRET: "their shared secret, coturn's static-auth-secret",
  PLNTRY_TURN_USERNAME: 'instead of the secret: a fixed user name',
  PLNTRY_TURN_CREDENTIAL: 'and its password',
  PLNTRY_CLOUDFLARE_TURN_KEY_ID: 'Cloudflare Realtime TURN: id of the TURN key',
  PLNTRY_CLOUDFLARE_TURN_API_TOKEN: 'and its API token',
  PLNTRY_TWILIO_ACCOUNT_SID: 'Twilio: SID of the account',
  PLNTRY_TWILIO_AUTH_TOKEN: 'and its auth token',
  PLNTRY_METERED_APP: 'metered.ca: name of the app',
  PLNTRY_METERED_SECRET_KEY: 'and its secret key, to make credentials that expire',
  PLNTRY_METERED_API_KEY: 'or the API key of one credential, to hand that one out',
  PLNTRY_ICE_TTL: `how long credentials are valid, seconds from ${MIN_TTL_S} to ${MAX_TTL_S} (default: ${MAX_TTL_S})`,
  PLNTRY_CLOUDFLARE_API_URL: "another address of Cloudflare's API, as a proxy needs",
  PLNTRY_TWILIO_API_URL: "another address of Twilio's API",
  PLNTRY_METERED_API_URL: "another address of metered.ca's API",
} as const;

type Variable = keyof typeof ICE_VARIABLES;

/** Those that can be given as a file: NAME_FILE instead of NAME. */
export const ICE_SECRETS: (Variable | 'PLNTRY_ICE_SERVERS')[] = [
  'PLNTRY_TURN_SECRET',
  'PLNTRY_TURN_CREDENTIAL',
  'PLNTRY_CLOUDFLARE_TURN_API_TOKEN',
  'PLNTRY_TWILIO_AUTH_TOKEN',
  'PLNTRY_METERED_SECRET_KEY',
  'PLNTRY_METERED_API_KEY',
  'PLNTRY_ICE_SERVERS',
];

export type Environment = Record<string, string | undefined>;

/**
 * @param fixed a list that is handed out as it is, beside what the variables say
 * @param now ms since the epoch
 * @throws Error of one sentence that names the variable, and repeats no secret
 */
export function iceFromEnvironment(
  environment: Environment,
  fixed: IceServer[] = [],
  now: () => number = Date.now,
): IceSetup {
  const read = (name: Variable) => environment[name] || undefined;
  const ttl = ttlOf(read('PLNTRY_ICE_TTL'));
  const providers = [stun, turn, cloudflareTurn, twilioTurn, meteredTurn].flatMap(
    (provider) => provider(read, ttl, now) ?? [],
  );
  return { ttl, providers: fixed.length > 0 ? [fixedIceServers(fixed), ...providers] : providers };
}

type Read = (name: Variable) => string | undefined;
type FromVariables = (read: Read, ttl: number, now: () => number) => IceProvider | null;

const stun: FromVariables = (read) => {
  const urls = urlsOf(read, 'PLNTRY_STUN_URLS', isStunUrl, 'stun:host:3478');
  return urls && fixedIceServers([{ urls }]);
};

const turn: FromVariables = (read, ttl, now) => {
  const urls = urlsOf(read, 'PLNTRY_TURN_URLS', isTurnUrl, 'turn:host:3478?transport=udp');
  const secret = read('PLNTRY_TURN_SECRET');
  const username = read('PLNTRY_TURN_USERNAME');
  const credential = read('PLNTRY_TURN_CREDENTIAL');
  if (!urls) {
    if (secret || username || credential) throw new Error('TURN is given a login, but no PLNTRY_TURN_URLS.');
    return null;
  }
  if (secret && (username || credential)) {
    throw new Error('PLNTRY_TURN_SECRET and PLNTRY_TURN_USERNAME are both given; a TURN server has one.');
  }
  if (secret) return coturn({ urls, secret, ttl, now });
  if (username && credential) return fixedIceServers([{ urls, username, credential }]);
  throw new Error(
    'PLNTRY_TURN_URLS needs PLNTRY_TURN_SECRET too, or PLNTRY_TURN_USERNAME and PLNTRY_TURN_CREDENTIAL.',
  );
};

const cloudflareTurn: FromVariables = (read, ttl) => {
  const account = together(read, 'PLNTRY_CLOUDFLARE_TURN_KEY_ID', ['PLNTRY_CLOUDFLARE_TURN_API_TOKEN']);
  if (!account) return null;
  const baseUrl = apiUrl(read, 'PLNTRY_CLOUDFLARE_API_URL', 'https://rtc.live.cloudflare.com');
  return cloudflare({ keyId: account.id, apiToken: account.secret, ttl, baseUrl });
};

const twilioTurn: FromVariables = (read, ttl) => {
  const account = together(read, 'PLNTRY_TWILIO_ACCOUNT_SID', ['PLNTRY_TWILIO_AUTH_TOKEN']);
  if (!account) return null;
  const baseUrl = apiUrl(read, 'PLNTRY_TWILIO_API_URL', 'https://api.twilio.com');
  return twilio({ accountSid: account.id, authToken: account.secret, ttl, baseUrl });
};

const meteredTurn: FromVariables = (read, ttl) => {
  const keys = ['PLNTRY_METERED_SECRET_KEY', 'PLNTRY_METERED_API_KEY'] as const;
  const account = together(read, 'PLNTRY_METERED_APP', [...keys]);
  if (!account) return null;
  const app = account.id.replace(/\.metered\.live$/, '');
  if (!/^[a-z0-9-]+$/i.test(app)) throw new Error('PLNTRY_METERED_APP is not the name of a metered.ca app.');
  const key = account.by === keys[0] ? { secret: account.secret } : { api: account.secret };
  return metered({
    key,
    ttl,
    baseUrl: apiUrl(read, 'PLNTRY_METERED_API_URL', `https://${app}.metered.live`),
  });
};

/** An account and what proves it: both or neither, and one proof. */
function together(
  read: Read,
  idName: Variable,
  secretNames: Variable[],
): { id: string; secret: string; by: Variable } | null {
  const id = read(idName);
  const [by, second] = secretNames.filter((name) => read(name) !== undefined);
  if (!id && !by) return null;
  if (!id) throw new Error(`${by} needs ${idName} too.`);
  if (!by) throw new Error(`${idName} needs ${secretNames.join(' or ')} too.`);
  if (second) throw new Error(`${by} and ${second} are both given; one is enough.`);
  const secret = read(by) ?? '';
  // It goes into a header or an address, where such a thing fails later and less clearly.
  if (!/^[!-~]+$/.test(secret)) throw new Error(`${by} has spaces or letters that no such key has.`);
  return { id, secret, by };
}

function urlsOf(
  read: Read,
  name: Variable,
  fits: (url: string) => boolean,
  example: string,
): string[] | null {
  const urls = (read(name) ?? '').split(/[\s,]+/).filter(Boolean);
  const wrong = urls.find((url) => !fits(url));
  if (wrong !== undefined) throw new Error(`${name} has '${wrong}', which is no URL like ${example}.`);
  return urls.length > 0 ? urls : null;
}

function apiUrl(read: Read, name: Variable, official: string): string {
  const text = read(name) ?? official;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) {
    const { username, password, search, hash } = new URL(text);
    if (username || password) throw new Error(`${name} has a login in it, which can't be used.`);
    if (search || hash) throw new Error(`${name} has more than a path after its host.`);
    return text;
  }
  throw new Error(`${name} is not a URL that begins with http:// or https://.`);
}

function ttlOf(text: string | undefined): number {
  if (text === undefined) return MAX_TTL_S;
  const ttl = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (ttl >= MIN_TTL_S && ttl <= MAX_TTL_S) return ttl;
  throw new Error(`PLNTRY_ICE_TTL is not a whole number of seconds from ${MIN_TTL_S} to ${MAX_TTL_S}.`);
}
