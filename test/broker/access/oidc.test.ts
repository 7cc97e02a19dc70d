/** Signing in with a real OpenID provider, as a browser does it. */
import { type CryptoKey, decodeJwt, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { SignInOptions } from '../../../broker/access/oidc.ts';
import { BEGUN_S } from '../../../broker/access/tokens.ts';
import { guardedServer, HOUR_S } from '../../helpers/access.ts';
import { httpBrowser } from '../../helpers/http-browser.ts';
import { closed, connectMqtt } from '../../helpers/mqtt-clients.ts';
import { type OpenIdProviderOptions, openIdProvider, signInWith } from '../../helpers/openid-provider.ts';
import { freePort } from '../../helpers/ports.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test looks at what it wants of an answer
type Json = any;
type Server = Awaited<ReturnType<typeof serverOf>>;
type Browser = ReturnType<typeof httpBrowser>;

const ACCOUNTS = {
  ann: { name: 'Ann Lee', groups: ['drivers', 'night-shift', 'staff'] },
  ben: { name: 'Ben', groups: ['drivers', 'leads'] },
  cay: { name: 'Cay <b>', groups: ['staff'] },
  dan: { groups: 'drivers' },
};
const MAP = 'drivers=operator:car*,night-shift=operator:van-7,leads=supervisor:*';

type ServerOptions = Parameters<typeof guardedServer>[0];

const serverOf = (issuer: string, more: Partial<SignInOptions> = {}, options: ServerOptions = {}) =>
  guardedServer({ ...options, signIn: signInWith(issuer, MAP, more) });

const ready = ({ logged }: Server) => logged(({ message }) => message === 'sign-in is ready');
const refused = ({ entries }: Server) => entries.filter(({ message }) => message === 'sign-in refused');
const isCallback = (url: string) => url.includes('/sign-in/callback?');

/** A provider, a server that knows it, and a browser in which nobody has signed in. */
async function all(
  more: Partial<OpenIdProviderOptions> = {},
  signIn: Partial<SignInOptions> = {},
  options: ServerOptions = {},
) {
  const provider = await openIdProvider({ accounts: ACCOUNTS, ...more });
  const server = await serverOf(provider.issuer, signIn, options);
  await ready(server);
  return { provider, server, browser: httpBrowser() };
}

/** As far as the provider's question. */
const begin = (browser: Browser, { webUrl }: Server, to = '/rooms/car1') =>
  browser.open(`${webUrl}/sign-in?to=${encodeURIComponent(to)}`);

async function signIn(browser: Browser, server: Server, account: string, to?: string) {
  const question = await begin(browser, server, to);
  return browser.submit(question.url, { account });
}

/** The address that the provider sends the browser back to, not opened yet. */
async function callbackFor(browser: Browser, server: Server, account = 'ann', to?: string): Promise<URL> {
  const question = await begin(browser, server, to);
  return new URL((await browser.submit(question.url, { account }, isCallback)).url);
}

const fleet = async (browser: Browser, { webUrl }: Server): Promise<Json> =>
  (await browser.request(`${webUrl}/api/fleet`)).json();

describe('who signs in', () => {
  test('comes back to the page they wanted, with a session, and drives with its tokens', async () => {
    const { server, browser } = await all();
    const { webUrl, webSocketUrl } = server;
    expect((await fleet(browser, server)).access).toEqual({ you: null, signIn: 'Test ID' });

    const arrived = await signIn(browser, server, 'ann', '/rooms/car1?panel=map');
    expect(arrived.url).toBe(`${webUrl}/rooms/car1?panel=map`);
    expect(browser.jarOf(webUrl).has('plntry-sign-in')).toBe(false);

    const { you, token } = (await fleet(browser, server)).access;
    expect(you).toMatchObject({ role: 'operator', rooms: ['car*', 'van-7'], name: 'Ann Lee' });
    expect(Math.abs(you.until - (Date.now() / 1_000 + HOUR_S))).toBeLessThan(60);
    const { peer: clientId, token: password } = token;
    const client = await connectMqtt(webSocketUrl, { clientId, username: clientId, password });
    await client.publishAsync(`rooms/car1/peers/${clientId}`, '', { qos: 1 });
  });

  test('has cookies that no script reads: one that comes along from the provider, one that never does', async () => {
    const { server, browser } = await all();
    const begun = await browser.request(`${server.webUrl}/sign-in?to=/`);
    expect(begun.headers.getSetCookie()[0]).toMatch(
      new RegExp(`^plntry-sign-in=[^;]+; Max-Age=${BEGUN_S}; Path=/; .*HttpOnly; SameSite=Lax$`),
    );
    const callback = await callbackFor(browser, server);
    const back = await browser.request(callback.href);
    expect(back.headers.getSetCookie().find((cookie) => cookie.startsWith('plntry-session='))).toMatch(
      /; HttpOnly; SameSite=Strict$/,
    );
    expect(back.headers.get('cache-control')).toBe('no-store');
  });

  test('is asked for with PKCE, a state and a nonce, new ones each time', async () => {
    const { server, browser } = await all();
    const asked = async () => {
      const response = await browser.request(`${server.webUrl}/sign-in`);
      return new URL(response.headers.get('location') ?? '').searchParams;
    };
    const [one, two] = [await asked(), await asked()];
    expect(one.get('code_challenge_method')).toBe('S256');
    expect(one.get('redirect_uri')).toBe(`${server.webUrl}/sign-in/callback`);
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(one.get(name)).toMatch(/^[\w-]{43}$/);
      expect(two.get(name)).not.toBe(one.get(name));
    }
  });

  test.each([
    ['the highest of their roles, in its rooms', 'ben', { role: 'supervisor', rooms: ['*'], name: 'Ben' }],
    ['a role by a claim that is one text, and no name', 'dan', { role: 'operator', rooms: ['car*'] }],
  ])('has %s', async (_what, account, you) => {
    const { server, browser } = await all();
    await signIn(browser, server, account);
    expect((await fleet(browser, server)).access.you).toEqual({ ...you, until: expect.any(Number) });
  });

  test('has claims from the ID token alone when all is there', async () => {
    const { provider, server, browser } = await all({ inIdToken: true });
    await signIn(browser, server, 'ann');
    expect((await fleet(browser, server)).access.you.name).toBe('Ann Lee');
    expect(provider.asked).not.toContain('/me');
  });

  test('has roles by a claim within a claim', async () => {
    const accounts = { eve: { realm_access: { roles: ['leads'] } } };
    const { server, browser } = await all({ accounts }, { claim: 'realm_access.roles' });
    await signIn(browser, server, 'eve');
    expect((await fleet(browser, server)).access.you.role).toBe('supervisor');
  });

  test('can do so at a provider that gave this server no secret', async () => {
    const { server, browser } = await all({ isPublic: true }, { secret: undefined });
    await signIn(browser, server, 'ann');
    expect((await fleet(browser, server)).access.you.role).toBe('operator');
  });

  test('comes back to the public address, when there is one', async () => {
    const { server, browser } = await all({}, {}, { publicUrl: 'https://fleet.example.org' });
    const response = await browser.request(`${server.webUrl}/sign-in`);
    const { searchParams } = new URL(response.headers.get('location') ?? '');
    expect(searchParams.get('redirect_uri')).toBe('https://fleet.example.org/sign-in/callback');
  });

  test('goes on under the name of this machine that the provider sends them back to', async () => {
    const { server, browser } = await all();
    const url = server.webUrl.replace('127.0.0.1', 'localhost');
    const response = await browser.request(`${url}/sign-in?to=/rooms/car1`);
    expect(response.headers.get('location')).toBe(`${server.webUrl}/sign-in?to=%2Frooms%2Fcar1`);
  });
});

describe('nobody is sent to another site', () => {
  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\0/evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%0d%0aSet-Cookie:x=y'.replaceAll('%0d%0a', '\r\n'),
    'https://evil.example/',
    'https:evil.example',
    'javascript:alert(1)',
    'evil.example',
    '@evil.example',
    '',
    `/${'x'.repeat(600)}`,
    '/é',
  ])('by %j', async (to) => {
    const { server, browser } = await all();
    const arrived = await signIn(browser, server, 'ann', to);
    expect(arrived.url).toBe(`${server.webUrl}/`);
  });

  test('by two of them, or by a list', async () => {
    const { server, browser } = await all();
    for (const query of ['to=/a&to=//evil.example', 'to[]=//evil.example', 'to[x]=/a']) {
      const question = await browser.open(`${server.webUrl}/sign-in?${query}`);
      expect((await browser.submit(question.url, { account: 'ann' })).url).toBe(`${server.webUrl}/`);
    }
  });
});

describe('nobody gets in', () => {
  const nobody = async (browser: Browser, server: Server) =>
    expect((await fleet(browser, server)).access.you).toBeNull();

  test('whom no value gives a role: a page says who they are, and how to be somebody else', async () => {
    const { server, browser } = await all();
    const question = await begin(browser, server);
    const page = await browser.open(question.url, {
      method: 'POST',
      body: new URLSearchParams({ account: 'cay' }),
      headers: { Accept: 'text/html' },
    });
    expect(page.status).toBe(403);
    expect(page.text).toContain('You have signed in as Cay &lt;b&gt;, but nothing here is yours: ');
    expect(page.text).toContain('href="/sign-in?to=%2Frooms%2Fcar1&amp;again=1"');
    expect(page.text).not.toContain('<b>');
    await nobody(browser, server);
    expect(refused(server)).toMatchObject([
      {
        level: 'warn',
        fields: {
          path: '/sign-in/callback',
          reason: expect.stringMatching(/^nothing in the claim 'groups' of oidc-[\w-]{22} gives a role$/),
        },
      },
    ]);
    // The provider knows them, and would not ask by itself.
    const again = await browser.request(`${server.webUrl}/sign-in?to=/rooms/car1&again=1`);
    expect(new URL(again.headers.get('location') ?? '').searchParams.get('prompt')).toBe('login');
  });

  test('who cancels at the provider', async () => {
    const { server, browser } = await all();
    const question = await begin(browser, server);
    const page = await browser.submit(question.url, { deny: '<script>alert(1)</script>\r\nno' });
    expect(page.status).toBe(403);
    expect(page.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(page.text).toBe('Test ID did not sign you in: <script>alert(1)</script> no.\n');
    await nobody(browser, server);
    expect(refused(server).map(({ fields }) => fields.reason)).toEqual([
      'access_denied: <script>alert(1)</script> no',
    ]);

    const asPage = await begin(browser, server);
    const shown = await browser.open(asPage.url, {
      method: 'POST',
      body: new URLSearchParams({ deny: '<script>alert(1)</script>' }),
      headers: { Accept: 'text/html' },
    });
    expect(shown.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^ ]+'; /,
    );
    expect(shown.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(shown.text).not.toContain('<script');
  });

  test.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43)), 'another sign-in'],
    ['no state', (url: URL) => url.searchParams.delete('state'), 'another sign-in'],
    ['two states', (url: URL) => url.searchParams.append('state', 'x'), 'another sign-in'],
    ['no code', (url: URL) => url.searchParams.delete('code'), 'no answer'],
    ['two codes', (url: URL) => url.searchParams.append('code', 'x'), 'no answer'],
    ['a code and an error', (url: URL) => url.searchParams.append('error', 'x'), 'no answer'],
  ])('with %s, and the sign-in can still end well', async (_what, tamper, sentence) => {
    const { provider, server, browser } = await all();
    const callback = await callbackFor(browser, server);
    const tampered = new URL(callback);
    tamper(tampered);
    const before = provider.asked.length;
    const response = await browser.request(tampered.href);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(sentence);
    expect(provider.asked.length).toBe(before);
    expect(refused(server).length).toBe(1);
    await nobody(browser, server);
    expect((await browser.open(callback.href)).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test('with a code of somebody’s own making, or for another issuer', async () => {
    const { server, browser } = await all();
    const forged = await callbackFor(browser, server);
    forged.searchParams.set('code', 'x'.repeat(43));
    expect((await browser.request(forged.href)).status).toBe(400);
    const mixed = await callbackFor(browser, server);
    mixed.searchParams.set('iss', 'https://other.example');
    expect((await browser.request(mixed.href)).status).toBe(502);
    await nobody(browser, server);
  });

  test('in another browser than the one that began', async () => {
    const { server, browser } = await all();
    const callback = await callbackFor(browser, server);
    const other = httpBrowser();
    const response = await other.request(callback.href);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(
      /^This sign-in was not begun in this browser, .+: sign in again\.\n$/,
    );
    // Nor when that one has begun a sign-in of its own.
    await begin(other, server);
    expect((await other.request(callback.href)).status).toBe(400);
    await nobody(other, server);
  });

  test('by an answer that was used, not even with a copy of its cookie', async () => {
    const { server, browser } = await all();
    const callback = await callbackFor(browser, server);
    const copy = httpBrowser();
    for (const [name, value] of browser.jarOf(server.webUrl)) copy.jarOf(server.webUrl).set(name, value);
    expect((await browser.open(callback.href)).url).toBe(`${server.webUrl}/rooms/car1`);
    expect((await browser.request(callback.href)).status).toBe(400);
    const replayed = await copy.request(callback.href);
    expect(replayed.status).toBe(400);
    expect(await replayed.text()).toBe('This sign-in was used already, or took too long: sign in again.\n');
    await nobody(copy, server);
  });

  test('who has tried too often from one address, and is told to wait', async () => {
    const { provider, server, browser } = await all({}, {}, { limits: { loginFailures: 1 } });
    const callback = await callbackFor(browser, server);
    const other = httpBrowser();
    expect((await other.request(callback.href)).status).toBe(400);
    expect((await other.request(callback.href)).status).toBe(400);
    const before = provider.asked.length;
    const refused = await browser.request(callback.href);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(provider.asked.length).toBe(before);
  });

  test('with a cookie that this server did not sign, or another kind of its tokens', async () => {
    const { server, browser } = await all();
    const callback = await callbackFor(browser, server);
    const jar = browser.jarOf(server.webUrl);
    const own = jar.get('plntry-sign-in') ?? '';
    const [head, body] = own.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const { text: invitation } = await server.invite('operator', ['car1']);
    for (const forged of [`${head}.${body}.AAAA`, `${none}.${body}.`, invitation, 'x']) {
      jar.set('plntry-sign-in', forged);
      expect((await browser.request(callback.href)).status).toBe(400);
    }
    // And the cookie of a sign-in is no session.
    jar.set('plntry-session', own);
    await nobody(browser, server);
  });
});

describe('an ID token', () => {
  const otherKey = generateKeyPair('RS256');
  const resigned = (change: (claims: JWTPayload) => JWTPayload) => (idToken: string, key: CryptoKey) =>
    new SignJWT(change(decodeJwt(idToken))).setProtectedHeader({ alg: 'RS256', kid: 'test' }).sign(key);
  const asItIs = (claims: JWTPayload) => claims;

  test('that is signed anew with the same key is believed, so that the others are refused for what they say', async () => {
    const { provider, server, browser } = await all({ inIdToken: true });
    provider.forging(resigned(asItIs));
    expect((await signIn(browser, server, 'ann')).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test.each<[string, (idToken: string, key: CryptoKey) => string | Promise<string>]>([
    [
      'without a signature',
      (idToken) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${idToken.split('.')[1]}.`,
    ],
    ['signed by somebody else', async (idToken) => resigned(asItIs)(idToken, (await otherKey).privateKey)],
    ['that was changed', (idToken) => idToken.replace(/\.[^.]+\./, (body) => changed(body))],
    ['of another issuer', resigned((claims) => ({ ...claims, iss: 'https://other.example' }))],
    ['for another client', resigned((claims) => ({ ...claims, aud: 'other' }))],
    ['of another sign-in', resigned((claims) => ({ ...claims, nonce: 'other' }))],
    ['that has expired', resigned((claims) => ({ ...claims, exp: Math.floor(Date.now() / 1_000) - 120 }))],
    ['about nobody', resigned(({ sub, ...claims }) => claims)],
    ['that is none', () => 'x.y.z'],
  ])('%s is refused', async (_what, forger) => {
    const { provider, server, browser } = await all({ inIdToken: true });
    provider.forging(forger);
    const arrived = await signIn(browser, server, 'ann');
    expect(arrived.status).toBe(502);
    expect(arrived.text).toBe(
      'What Test ID answered does not hold: tell whoever runs this fleet, whose log says why.\n',
    );
    expect(refused(server).length).toBe(1);
    expect((await fleet(browser, server)).access.you).toBeNull();
  });

  const changed = (body: string): string => {
    const claims = JSON.parse(Buffer.from(body.slice(1, -1), 'base64url').toString());
    return `.${Buffer.from(JSON.stringify({ ...claims, sub: 'ben' })).toString('base64url')}.`;
  };
});

describe('a provider that is away', () => {
  test('at the start keeps the server from nothing; it is found when it comes', async () => {
    const port = await freePort();
    const server = await serverOf(`http://127.0.0.1:${port}`);
    const browser = httpBrowser();
    const away = await browser.request(`${server.webUrl}/sign-in?to=/rooms/car1`);
    expect(away.status).toBe(503);
    expect(await away.text()).toBe("Test ID can't be reached to sign in with: try again in a while.\n");
    await openIdProvider({ accounts: ACCOUNTS, port });
    await ready(server);
    expect((await signIn(browser, server, 'ann')).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test('while somebody comes back from it is said to be so, and back later', async () => {
    const { provider, server, browser } = await all();
    const callback = await callbackFor(browser, server);
    await provider.close();
    const response = await browser.request(callback.href);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('Test ID does not answer at the moment: try again in a while.\n');
    expect(refused(server).length).toBe(1);
    await openIdProvider({ accounts: ACCOUNTS, port: provider.port });
    expect((await signIn(browser, server, 'ann')).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test('for a server that it does not know tells its people nothing of the secret', async () => {
    const { server, browser } = await all({}, { secret: 'another one' });
    const arrived = await signIn(browser, server, 'ann');
    expect(arrived.status).toBe(502);
    const [entry] = refused(server);
    expect(entry?.fields.reason).toContain('invalid_client');
    expect(JSON.stringify(server.entries)).not.toContain('another one');
  });
});

describe('somebody’s access', () => {
  const grantedTo = async (browser: Browser, server: Server) => {
    const { peer: clientId, token: password } = (await fleet(browser, server)).access.token;
    return connectMqtt(server.webSocketUrl, { clientId, username: clientId, password });
  };
  const personOf = ({ entries }: Server) =>
    String(entries.find(({ message }) => message === 'signed in')?.fields.person);

  test('ends by the id of the person, in every browser, and signing in does not bring it back', async () => {
    const { server, browser } = await all();
    const second = httpBrowser();
    await signIn(browser, server, 'ann');
    await signIn(second, server, 'ann');
    const clients = [await grantedTo(browser, server), await grantedTo(second, server)];
    const gone = Promise.all(clients.map(closed));
    server.access.endings.end(personOf(server));
    await gone;
    const arrived = await signIn(httpBrowser(), server, 'ann');
    expect(arrived.status).toBe(403);
    expect(arrived.text).toMatch(/^You have signed in as Ann Lee, whose access was ended: /);
    // Others are not meant.
    const other = httpBrowser();
    expect((await signIn(other, server, 'ben')).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test('ends for one browser by signing out there', async () => {
    const { server, browser } = await all();
    const second = httpBrowser();
    await signIn(browser, server, 'ann');
    await signIn(second, server, 'ann');
    await browser.request(`${server.webUrl}/api/session`, { method: 'DELETE' });
    expect((await fleet(browser, server)).access.you).toBeNull();
    expect((await fleet(second, server)).access.you.name).toBe('Ann Lee');
  });
});
