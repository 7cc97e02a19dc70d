/** A real OpenID provider (oidc-provider) on this machine, whose log-in form takes a name and believes it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { onTestFinished, vi } from 'vitest';
import type { SignInOptions } from '../../broker/access/oidc.ts';
import { parseMappings } from '../../broker/access/oidc-roles.ts';

const CLIENT = { id: 'plntry', secret: 'of the tests' };
const TTL_S = 600;
const INTERACTION = '/interaction/';

export interface Account {
  name?: string;
  /** Anything else goes as it is. */
  [claim: string]: unknown;
}

export interface OpenIdProviderOptions {
  accounts: Record<string, Account>;
  /** A free one unless given. */
  port?: number;
  /** Of this machine; with localhost it is another site than a server at 127.0.0.1, for a browser. */
  host?: '127.0.0.1' | 'localhost';
  /** Claims in the ID token as well as from the userinfo endpoint. */
  inIdToken?: boolean;
  /** Whether groups are asked for by a scope of their own; otherwise they come with the profile. */
  groupsScope?: boolean;
  /** Without a secret. */
  isPublic?: boolean;
}

/** What a server is told of it. @param map as `--oidc-map` */
export const signInWith = (
  issuer: string,
  map: string,
  more: Partial<SignInOptions> = {},
): SignInOptions => ({
  issuer,
  clientId: CLIENT.id,
  secret: CLIENT.secret,
  name: 'Test ID',
  claim: 'groups',
  mappings: parseMappings(map),
  sessionS: 3_600,
  ...more,
});

/** Makes of an ID token another one, before the client gets it. */
export type Forger = (idToken: string, key: CryptoKey) => string | Promise<string>;

export async function openIdProvider({
  accounts,
  port = 0,
  host = '127.0.0.1',
  inIdToken = false,
  isPublic = false,
  groupsScope = true,
}: OpenIdProviderOptions) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  const address = http.address() as AddressInfo;
  const issuer = `http://${host}:${address.port}`;
  const claims = [...new Set(Object.values(accounts).flatMap(Object.keys))];
  const configuration: Configuration = {
    clients: [
      {
        client_id: CLIENT.id,
        ...(isPublic
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: CLIENT.secret, token_endpoint_auth_method: 'client_secret_basic' }),
        // Of native clients any port of this machine will do (RFC 8252, 7.3).
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/sign-in/callback'],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'test' }] },
    cookies: { keys: ['of the tests'] },
    ttl: { AccessToken: TTL_S, Grant: TTL_S, IdToken: TTL_S, Interaction: TTL_S, Session: TTL_S },
    scopes: ['openid', 'profile', ...(groupsScope ? ['groups'] : [])],
    claims: {
      openid: ['sub'],
      ...(groupsScope
        ? { profile: ['name'], groups: claims.filter((claim) => claim !== 'name') }
        : { profile: claims }),
    },
    conformIdTokenClaims: !inIdToken,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `${INTERACTION}${uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...accounts[sub] }) }),
    // Nobody is asked whether this client may know these things.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId as string,
        accountId: oidc.session?.accountId as string,
      });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
  };
  // It says that it keeps everything in memory; here it should.
  const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const provider = new Provider(issuer, configuration);
  warnings.mockRestore();
  let forge: Forger | null = null;
  const asked: string[] = [];
  provider.use(async (context, next) => {
    asked.push(context.path);
    await next();
    const body = context.body as { id_token?: string };
    if (forge && context.path === '/token' && body.id_token)
      context.body = { ...body, id_token: await forge(body.id_token, privateKey) };
  });

  const answer = provider.callback();
  http.on('request', (request, response) => {
    const inside = request.url?.startsWith(INTERACTION);
    if (inside) void interact(provider, request, response);
    else void answer(request, response);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      http.close(() => resolve());
      http.closeAllConnections();
    });
  onTestFinished(close);
  return {
    issuer,
    port: address.port,
    /** Paths that were asked for. */
    asked,
    forging(forger: Forger) {
      forge = forger;
    },
    close,
  };
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse) {
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>Provider</title><form method="post">
      <label>Who are you? <input name="account"></label><button>Continue</button>
      <button name="deny" value="yes">Cancel</button></form>`);
    return;
  }
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const form = new URLSearchParams(body);
  const result = form.has('deny')
    ? { error: 'access_denied', error_description: form.get('deny') ?? '' }
    : // A native client has to be consented to each time; see loadExistingGrant.
      { login: { accountId: form.get('account') ?? '' }, consent: {} };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
