/** Who this page is on the broker: a random id where anybody may come in, else what the server lets it be. */
import type { Credentials } from '../../shared/credentials.ts';
import { type PageToken, PageTokenSchema, type You } from '../../shared/server-api.ts';
import { randomId } from '../broker-url.ts';
import { ACCESS_ENDED } from './words.ts';

/** A server that takes longer counts as one that does not answer, ms. */
const ANSWER_LIMIT_MS = 5_000;
/** Between two tries for one, at last, ms. */
const LONGEST_WAIT_MS = 60_000;
/** The next token is asked for when so much of its life is left, as a part of it. */
const RENEW_AT = 0.25;

export interface PageIdentity {
  peer: string;
  /** Undefined where anybody may come in. */
  credentials: Credentials | undefined;
  /** The fleet's word for the key of {@link vouchFor}; null where it has none to give. */
  pass(): string | null | Promise<string | null>;
}

/** The public key of this page, once it has one. */
let pageKey: string | undefined;

/** Tokens from now on come with a pass for this key. */
export function vouchFor(key: string): void {
  pageKey = key;
}

/** Null until the server has answered, and where anybody may come in. */
let you: You | null = null;
/** One that nobody has taken yet: the first comes with the settings, and none is waited for on a click. */
let spare: PageIdentity | null = null;
let fetching: Promise<PageIdentity> | null = null;

export function signedIn(as: You, first: PageToken | undefined): void {
  you = as;
  spare = first ? identityOf(first) : null;
}

/** Of a peer of its own, of which there may be many. A vehicle has only the one: itself. */
export function takeIdentity(): PageIdentity | Promise<PageIdentity> {
  if (!you) return { peer: randomId('op'), credentials: undefined, pass: () => null };
  const taken = spare;
  spare = null;
  if (taken) void fetchSpare();
  return taken ?? fetchSpare().then(takeIdentity);
}

/** A client that looks on, and is nobody's peer. */
export async function onlooker(): Promise<{ clientId: string; credentials: Credentials | undefined }> {
  const { peer, credentials } = await takeIdentity();
  // With the id of the vehicle it would throw that out. An id with a dot is nobody's.
  const clientId = you?.role === 'vehicle' ? randomId('look').replace('-', '.') : peer;
  return { clientId, credentials };
}

/** @param waitMs before it is asked again, when it could not be had */
async function fetchSpare(waitMs = 1_000): Promise<PageIdentity> {
  fetching ??= askToken()
    .then(identityOf)
    .finally(() => {
      fetching = null;
    });
  const fetched = await fetching.catch(async () => {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return fetchSpare(Math.min(2 * waitMs, LONGEST_WAIT_MS));
  });
  spare ??= fetched;
  return fetched;
}

function identityOf(first: PageToken): PageIdentity {
  const { peer } = first;
  let token = first;
  let goodUntil = endOf(first);
  let renewing: Promise<void> | null = null;
  /** Rejects as {@link askToken} does. */
  const renew = (): Promise<void> => {
    renewing ??= askToken(peer)
      .then((next) => {
        token = next;
        goodUntil = endOf(next);
      })
      .finally(() => {
        renewing = null;
      });
    return renewing;
  };
  const passNow = () => (Date.now() < goodUntil ? token.pass : undefined);
  return {
    peer,
    pass: () =>
      passNow() ??
      renew().then(
        () => passNow() ?? null,
        () => null,
      ),
    credentials: {
      current: () => (Date.now() < goodUntil ? { username: peer, password: token.token } : null),
      remaining: () => goodUntil - Date.now() - RENEW_AT * lifeOf(token),
      async renew() {
        try {
          await renew();
          return null;
        } catch (error) {
          if (error instanceof Refused) return error.message;
          throw error;
        }
      },
    },
  };
}

/** By the server's clock, as this one's may be wrong; ms. */
const lifeOf = ({ expires, now }: PageToken): number => Math.max(0, expires - now) * 1_000;
const endOf = (token: PageToken): number => Date.now() + lifeOf(token);

class Refused extends Error {}

/** @throws Refused when there is none to be had any more; Error when the server can't be asked now */
async function askToken(peer?: string): Promise<PageToken> {
  const response = await fetch('/api/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ peer, key: pageKey }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  }).catch(() => {
    throw new Error('the server does not answer');
  });
  if (response.status === 401 || response.status === 403) throw new Refused(ACCESS_ENDED);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return PageTokenSchema.parse(await response.json());
}
