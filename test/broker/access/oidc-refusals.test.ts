/** Who does not get in by signing in with a real OpenID provider, and is told why. */

import { type CryptoKey, decodeJwt, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { httpBrowser } from '../../helpers/http-browser.ts';
import {
  all,
  type Browser,
  begin,
  callbackFor,
  fleet,
  refused,
  type Server,
  signIn,
} from '../../helpers/sign-in.ts';

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

  test('by guesses that no sign-in began, whose address is told to wait; others there sign in as before', async () => {
    const { provider, server, browser } = await all({}, {}, { limits: { loginFailures: 1 } });
    const callback = await callbackFor(browser, server);
    const other = httpBrowser();
    expect((await other.request(callback.href)).status).toBe(400);
    const before = provider.asked.length;
    const held = await other.request(callback.href);
    expect(held.status).toBe(429);
    expect(held.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(provider.asked.length).toBe(before);
    expect((await browser.open(callback.href)).url).toBe(`${server.webUrl}/rooms/car1`);
  });

  test('with guesses at codes, with which the provider is bothered so often only', async () => {
    const { provider, server, browser } = await all({}, {}, { limits: { loginFailures: 1 } });
    const guess = async () => {
      const callback = await callbackFor(browser, server);
      callback.searchParams.set('code', 'guess');
      const before = provider.asked.length;
      const { status } = await browser.request(callback.href);
      return [status, provider.asked.length - before];
    };
    expect([await guess(), await guess(), await guess()]).toEqual([
      [400, 1],
      [400, 1],
      [429, 0],
    ]);
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
