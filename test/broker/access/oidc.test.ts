/** Signing in with a real OpenID provider, as a browser does it. */

import { describe, expect, test } from 'vitest';
import { BEGUN_S } from '../../../broker/access/tokens.ts';
import { HOUR_S } from '../../helpers/access.ts';
import { httpBrowser } from '../../helpers/http-browser.ts';
import { closed, connectMqtt } from '../../helpers/mqtt-clients.ts';
import { openIdProvider } from '../../helpers/openid-provider.ts';
import { freePort } from '../../helpers/ports.ts';
import {
  ACCOUNTS,
  all,
  type Browser,
  callbackFor,
  fleet,
  ready,
  refused,
  type Server,
  serverOf,
  signIn,
} from '../../helpers/sign-in.ts';

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

  test.each([
    [true, 'openid profile groups'],
    [false, 'openid profile'],
  ])('is asked for by the scopes that the provider has; groups: %s', async (groupsScope, scope) => {
    const { server, browser } = await all({ groupsScope });
    const question = await browser.request(`${server.webUrl}/sign-in`);
    expect(new URL(question.headers.get('location') ?? '').searchParams.get('scope')).toBe(scope);
    expect((await signIn(browser, server, 'ann')).url).toBe(`${server.webUrl}/rooms/car1`);
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
