/** What the web server answers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseTrust } from '../../broker/forwarded.ts';
import { fixedIceServers } from '../../broker/ice/fixed.ts';
import { iceFromEnvironment } from '../../broker/ice/from-environment.ts';
import { type IceProvider, ProviderError } from '../../broker/ice/provider.ts';
import type { IceAnswer, IceServer } from '../../shared/server-api.ts';
import { testServer } from '../helpers/room.ts';

/** A folder that looks like what Vite builds. */
function builtPages(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-pages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>plntry</title>');
  writeFileSync(join(folder, 'icon.svg'), '<svg/>');
  writeFileSync(join(folder, 'assets', 'main-Ab12.js'), 'export {}');
  return folder;
}

const emptyFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-nothing-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

test('the page is served for the fleet, for a room and for a phone as vehicle, and not cached', async () => {
  const { webUrl } = await testServer({ pages: builtPages() });
  for (const path of ['/', '/rooms/car1', '/vehicle/phone-2', '/timeline', '/?q=car']) {
    const response = await fetch(webUrl + path);
    expect([path, response.status, await response.text()]).toEqual([path, 200, '<title>plntry</title>']);
    expect(response.headers.get('cache-control')).toBe('no-cache');
  }
});

test('hashed assets may be kept for ever, other files are asked for again', async () => {
  const { webUrl } = await testServer({ pages: builtPages() });
  const asset = await fetch(`${webUrl}/assets/main-Ab12.js`);
  expect(asset.headers.get('content-type')).toContain('javascript');
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect((await fetch(`${webUrl}/icon.svg`)).headers.get('cache-control')).toBe('no-cache');
});

test.each(['/rooms/Not_an_id', '/rooms/car1/more', '/assets/gone.js', '/../package.json', '/%ff'])(
  '%s is not there',
  async (path) => {
    const { webUrl } = await testServer({ pages: builtPages() });
    const response = await fetch(webUrl + path);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).toMatch(/^(There is nothing here|The request is not valid)\.\n$/);
  },
);

test('without built pages it says how to build them', async () => {
  const { webUrl } = await testServer({ pages: emptyFolder() });
  const response = await fetch(webUrl);
  expect(response.status).toBe(503);
  expect(await response.text()).toBe('The pages are not built yet: run npm run build.\n');
});

test('pages are told the topic root, where MQTT is, and the name of the fleet', async () => {
  const { webUrl } = await testServer({ root: 'site/rooms', name: 'Depot' });
  const response = await fetch(`${webUrl}/api/fleet`);
  expect(await response.json()).toEqual({ v: 1, root: 'site/rooms', mqtt: { url: '/mqtt' }, name: 'Depot' });
  expect(response.headers.get('cache-control')).toBe('no-store');
});

describe('GET /api/ice', () => {
  const shared: IceServer = { urls: ['turn:turn.example.org?transport=tcp'], username: 'u', credential: 'c' };
  const secret = { PLNTRY_TURN_URLS: 'turn:turn.example.org', PLNTRY_TURN_SECRET: 'not a secret' };

  test('hands out what is configured, for at most an hour, and is not cached', async () => {
    const { webUrl } = await testServer({ ice: iceFromEnvironment({ PLNTRY_ICE_TTL: '600' }, [shared]) });
    const response = await fetch(`${webUrl}/api/ice`);
    expect(await response.json()).toEqual({ iceServers: [shared], ttl: 600 });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('makes credentials for the peer that asks', async () => {
    const { webUrl } = await testServer({ ice: iceFromEnvironment(secret) });
    const usernameFor = async (query: string) =>
      ((await (await fetch(`${webUrl}/api/ice${query}`)).json()) as IceAnswer).iceServers[0]?.username;
    expect(await usernameFor('?peer=op-1234')).toMatch(/^\d{10}:op-1234$/);
    expect(await usernameFor('')).toMatch(/^\d{10}:anonymous$/);
  });

  test.each(['?peer=', '?peer=a:b', '?peer=a&peer=b'])('%s is refused', async (query) => {
    const { webUrl } = await testServer({ ice: iceFromEnvironment(secret) });
    const response = await fetch(`${webUrl}/api/ice${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: "The peer has 1 to 32 of a-z, 0-9 and '-', and no '-' first.",
    });
  });

  test('a provider that fails is a warning, the rest is served, and the server stays ready', async () => {
    const broken: IceProvider = {
      name: 'A service',
      shared: true,
      iceServers: () => Promise.reject(new ProviderError('A service refused the key (401). Check THE_KEY.')),
    };
    const ice = { providers: [broken, fixedIceServers([shared])], ttl: 3_600 };
    const { webUrl } = await testServer({ ice });
    expect(await (await fetch(`${webUrl}/api/ice`)).json()).toEqual({
      iceServers: [shared],
      ttl: 3_600,
      warnings: ['A service refused the key (401). Check THE_KEY.'],
    });
    expect((await fetch(`${webUrl}/readyz`)).status).toBe(200);
  });
});

test('an unknown path below /api is 404 in JSON', async () => {
  const { webUrl } = await testServer();
  const response = await fetch(`${webUrl}/api/nothing`, { method: 'POST' });
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ error: 'There is no POST /api/nothing.' });
});

test('it is alive and ready while it runs', async () => {
  const { webUrl } = await testServer();
  expect((await fetch(`${webUrl}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${webUrl}/readyz`)).json()).toEqual({ ready: true });
});

test('the content security policy lets pages connect to themselves and to the configured broker only', async () => {
  const policyOf = async (
    options: Parameters<typeof testServer>[0],
    headers: Record<string, string> = {},
  ) => {
    const { webUrl } = await testServer({ pages: builtPages(), ...options });
    const policy = (await fetch(webUrl, { headers })).headers.get('content-security-policy') ?? '';
    const directives = policy.split(';').map((directive) => directive.trim().split(/\s+/));
    return { host: new URL(webUrl).host, policy: new Map(directives.map(([name, ...list]) => [name, list])) };
  };
  const { host, policy } = await policyOf({});
  expect(policy.get('connect-src')).toEqual(["'self'", `ws://${host}`, `wss://${host}`]);
  expect(policy.get('default-src')).toEqual(["'none'"]);
  for (const name of ['script-src', 'style-src', 'img-src'])
    expect([name, policy.get(name)]).toEqual([name, ["'self'"]]);
  expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
  expect(policy.get('require-trusted-types-for')).toEqual(["'script'"]);
  expect(policy.has('upgrade-insecure-requests')).toBe(false);

  const proxied = await policyOf({ trustProxy: parseTrust('loopback') }, { 'X-Forwarded-Proto': 'https' });
  expect(proxied.policy.get('connect-src')).toEqual(["'self'", `wss://${proxied.host}`]);

  const external = { url: 'mqtt://127.0.0.1:1', pageUrl: 'wss://broker.example.org/mqtt' };
  const other = await policyOf({ external });
  expect(other.policy.get('connect-src')).toEqual(["'self'", 'wss://broker.example.org']);
});

test('browsers are told what pages may use, and to remember TLS where a trusted proxy says so', async () => {
  const { webUrl } = await testServer({ pages: builtPages(), trustProxy: parseTrust('loopback') });
  const { headers } = await fetch(webUrl, { headers: { 'X-Forwarded-Proto': 'https' } });
  expect(headers.get('permissions-policy')).toMatch(/camera=\(self\), geolocation=\(self\).*microphone=\(\)/);
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect((await fetch(webUrl)).headers.get('strict-transport-security')).toBe(null);
});

test('a person with a wrong address gets the page, which says so', async () => {
  const { webUrl } = await testServer({ pages: builtPages() });
  const response = await fetch(`${webUrl}/rooms/Not_an_id`, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect([response.status, await response.text()]).toEqual([404, '<title>plntry</title>']);
});
