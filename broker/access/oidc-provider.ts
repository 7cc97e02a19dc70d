/**
 * One OpenID provider: found by its issuer, asked who somebody is by the authorization code flow with PKCE
 * (OpenID Connect Core 3.1, RFC 7636). Only this file knows openid-client.
 */
import * as client from 'openid-client';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { type Claims, nameOf, plainText, valuesOf } from './oidc-roles.ts';
import type { Begun } from './tokens.ts';

/** A provider that takes longer counts as one that does not answer, s. */
const ANSWER_LIMIT_S = 10;
/** While it does not answer it is asked again, each time later, ms. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** How far its clock may be off, s. */
const CLOCK_TOLERANCE_S = 30;
/** Of what a provider says is wrong, characters. */
const LONGEST_DETAIL = 200;

export interface ProviderOptions {
  /** Of its discovery document; https, or http on this machine. */
  issuer: string;
  clientId: string;
  /** None for a public client. */
  secret?: string | undefined;
  /** What people call it. */
  name: string;
  /**
   * What is asked for: names with spaces between, `openid` among them. Unless given it is `openid profile`, and
   * `groups` of a provider that says that it has it: others refuse what they don't know.
   */
  scope?: string | undefined;
  /** Where the values are that give roles: see {@link valuesOf}. */
  claim: string;
}

/** What is wrong: for the answer, in a sentence for people, and as a clause for the log. */
export interface Problem {
  status: 400 | 403 | 502 | 503;
  sentence: string;
  reason: string;
  /** What the page says above; that nobody has signed in unless given. */
  title?: string;
  /** They have signed in there, as somebody with whom this won't do. */
  asSomebodyElse?: true;
}

export type Found =
  | { ok: true; claims: Claims & { iss: string; sub: string } }
  | { ok: false; problem: Problem };

export interface Provider {
  /**
   * @param again somebody wants to be asked who they are, though the provider knows
   * @returns where to send the browser, and what to keep for {@link Provider.finish}; null while the provider
   * has not been found
   */
  begin(redirectUri: string, again: boolean): Promise<{ url: URL; kept: Omit<Begun, 'to'> } | null>;
  /** Never rejects. @param answer the address that the browser came back to */
  finish(answer: URL, kept: Omit<Begun, 'to'>): Promise<Found>;
  close(): void;
}

export function findProvider(options: ProviderOptions, clock: Clock, log: Log): Provider {
  const { issuer, name, scope, claim } = options;
  let config: client.Configuration | null = null;
  let closed = false;
  let stopWaiting = () => {};
  let said = '';

  async function discover(wait: number): Promise<void> {
    try {
      const found = await discovery(options);
      if (closed) return;
      config = found;
      log.info({ issuer }, 'sign-in is ready');
    } catch (error) {
      if (closed) return;
      // Said when it changes, not with every attempt.
      const reason = reasonOf(error);
      if (reason !== said) log.warn({ issuer, reason }, 'the sign-in provider is not to be had; asked again');
      said = reason;
      stopWaiting = clock.after(wait, () => void discover(Math.min(2 * wait, LAST_RETRY_MS)));
    }
  }
  void discover(FIRST_RETRY_MS);

  return {
    async begin(redirectUri, again) {
      if (!config) return null;
      const verifier = client.randomPKCECodeVerifier();
      const kept = { state: client.randomState(), nonce: client.randomNonce(), verifier };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scope ?? usualScope(config),
        state: kept.state,
        nonce: kept.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(again ? { prompt: 'login' } : {}),
      });
      return { url, kept };
    },
    async finish(answer, { state, nonce, verifier }) {
      if (!config) return { ok: false, problem: unreachable(name, 'it has not been found yet') };
      try {
        const tokens = await client.authorizationCodeGrant(config, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error('there is no ID token');
        const complete = valuesOf(claims, claim).length > 0 && nameOf(claims) !== undefined;
        if (complete || !config.serverMetadata().userinfo_endpoint) return { ok: true, claims };
        // Many providers say more there than in the ID token, which they keep small.
        const more = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
        return { ok: true, claims: { ...more, ...claims } };
      } catch (error) {
        return { ok: false, problem: problemOf(error, name) };
      }
    },
    close() {
      closed = true;
      stopWaiting();
    },
  };
}

function usualScope(config: client.Configuration): string {
  const { scopes_supported: known = [] } = config.serverMetadata();
  return ['openid', 'profile', ...(known.includes('groups') ? ['groups'] : [])].join(' ');
}

async function discovery({ issuer, clientId, secret }: ProviderOptions): Promise<client.Configuration> {
  const server = new URL(issuer);
  const config = await client.discovery(
    server,
    clientId,
    { [client.clockTolerance]: CLOCK_TOLERANCE_S },
    secret === undefined ? client.None() : withSecret(secret),
    {
      timeout: ANSWER_LIMIT_S,
      execute: [
        // Signatures of ID tokens are checked though TLS vouches for them already (Core, 3.1.3.7, 6).
        client.enableNonRepudiationChecks,
        ...(server.protocol === 'http:' ? [client.allowInsecureRequests] : []),
      ],
    },
  );
  const metadata = config.serverMetadata();
  for (const needed of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const)
    if (!metadata[needed]) throw new Error(`its discovery document has no ${needed}`);
  return config;
}

/** By the way that every provider has unless it says otherwise (RFC 8414, 2). */
function withSecret(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const ways = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    (ways.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

const unreachable = (name: string, reason: string): Problem => ({
  status: 503,
  sentence: `${name} does not answer at the moment: try again in a while.`,
  reason,
});

function problemOf(error: unknown, name: string): Problem {
  const reason = reasonOf(error);
  if (error instanceof client.AuthorizationResponseError) {
    const why = plainText(error.error_description ?? error.error, LONGEST_DETAIL).replace(/\.$/, '');
    return {
      status: 403,
      sentence: `${name} did not sign you in: ${why}.`,
      reason: `${error.error}: ${why}`,
    };
  }
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant')
    return {
      status: 400,
      sentence: 'This sign-in was used already, or took too long: sign in again.',
      reason,
    };
  // What fetch throws when there is no connection, and a provider that is in trouble itself.
  if (error instanceof TypeError || isTimeout(error) || statusOf(error) >= 500)
    return unreachable(name, reason);
  const sentence = `What ${name} answered does not hold: tell whoever runs this fleet, whose log says why.`;
  return { status: 502, sentence, reason };
}

const isTimeout = (error: unknown): boolean => (error as { code?: string }).code === 'OAUTH_TIMEOUT';

function statusOf(error: unknown): number {
  const cause = (error as Error).cause;
  return cause instanceof Response ? cause.status : ((error as { status?: number }).status ?? 0);
}

/** As much as helps; of a refusal what the provider says, never what was sent to it. */
function reasonOf(error: unknown): string {
  const inHeader = error instanceof client.WWWAuthenticateChallengeError;
  if (inHeader || error instanceof client.ResponseBodyError) {
    // In a header when it does not know this client (RFC 6749, 5.2), else in the body.
    const said = inHeader ? error.cause[0]?.parameters : error;
    const words = ['it answered', error.status, said?.error, said?.error_description];
    return plainText(words.filter(Boolean).join(' '), LONGEST_DETAIL);
  }
  const { message, cause } = error as Error;
  const inner = cause instanceof Error ? cause.message || String((cause as { code?: string }).code) : '';
  const status = statusOf(error);
  return plainText([message, inner, status || ''].filter(Boolean).join(': '), LONGEST_DETAIL);
}
