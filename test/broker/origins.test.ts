/** Names that the server answers to, and pages that may use it: over HTTP and at the WebSocket. */
import { request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseTrust } from '../../broker/forwarded.ts';
import { type ServerOptions, startServer } from '../../broker/serve.ts';
import { testFolder } from '../helpers/folder.ts';
import { recordLog } from '../helpers/log.ts';

const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'mqtt',
};

interface Answer {
  status: number;
  text: string;
}

/** With any headers, which fetch would not send. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false });
    asking.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, text: '' });
    });
    asking.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    });
    asking.on('error', reject);
    asking.end();
  });
}

async function site(options: Partial<ServerOptions> = {}) {
  const { log, entries } = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0, ...options }, log);
  onTestFinished(() => server.close());
  const { host, port } = new URL(server.webUrl);
  return {
    host,
    port,
    warnings: () => entries.filter(({ message }) => message === 'request refused'),
    upgrade: (headers: Record<string, string>) => ask(`${server.webUrl}/mqtt`, { ...UPGRADE, ...headers }),
    get: (headers: Record<string, string>, path = '/healthz') => ask(server.webUrl + path, headers),
    post: (headers: Record<string, string>, path = '/api/nothing') =>
      ask(server.webUrl + path, headers, 'POST'),
  };
}

describe('the Origin of a WebSocket', () => {
  test('may be absent, or the server’s own; no other, and no other port or scheme of it', async () => {
    const { upgrade, host, warnings } = await site();
    expect((await upgrade({})).status).toBe(101);
    expect((await upgrade({ Origin: `http://${host}` })).status).toBe(101);
    for (const Origin of [
      'https://evil.example',
      'null',
      '',
      'http://127.0.0.1:1',
      'garbage',
      `http://${host}.evil.example`,
    ]) {
      expect([Origin, (await upgrade({ Origin })).status]).toEqual([Origin, 403]);
    }
    // Once, however often it is tried.
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]?.fields).toMatchObject({
      remote: '127.0.0.1',
      reason:
        "Pages of 'https://evil.example' may not use this server. If they are its own, behind a proxy, it needs --public-url; otherwise --allow-origin.",
    });
  });

  test('may be that of --public-url, whatever Host a proxy has made of it, and those of --allow-origin', async () => {
    const publicUrl = 'https://fleet.example.org';
    const { upgrade } = await site({ publicUrl, allowOrigins: ['https://desk.example.org'] });
    for (const Origin of [publicUrl, 'https://desk.example.org']) {
      expect([Origin, (await upgrade({ Origin })).status]).toEqual([Origin, 101]);
    }
    for (const Origin of [
      'http://fleet.example.org',
      'https://fleet.example.org:8443',
      'https://x.desk.example.org',
    ]) {
      expect([Origin, (await upgrade({ Origin })).status]).toEqual([Origin, 403]);
    }
  });

  test('has the scheme that a trusted proxy says, with the Host that it hands on', async () => {
    const { upgrade } = await site({ trustProxy: parseTrust('loopback') });
    const via = { Host: 'fleet.example.org', 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' };
    expect((await upgrade({ ...via, Origin: 'https://fleet.example.org' })).status).toBe(101);
    expect((await upgrade({ ...via, Origin: 'http://fleet.example.org' })).status).toBe(403);
  });
});

test('a request that changes something needs a fitting Origin too, one that only reads does not', async () => {
  const { post, get, host } = await site();
  expect((await post({ Origin: 'https://evil.example' })).status).toBe(403);
  expect((await post({ Origin: `http://${host}` })).status).toBe(404);
  expect((await post({})).status).toBe(404);
  expect((await get({ Origin: 'https://evil.example' })).status).toBe(200);
});

describe('a request without an Origin whose browser says where it is from', () => {
  const from = (site: string) => ({ 'Sec-Fetch-Site': site });

  test('changes nothing and is given no credential, unless it is from a page of the server or from nobody’s', async () => {
    const { post, get, warnings } = await site({ access: { data: testFolder() } });
    for (const where of ['same-origin', 'none'])
      expect([where, (await post(from(where), '/api/token')).status]).toEqual([where, 401]);
    for (const where of ['cross-site', 'same-site', 'anything', '']) {
      expect([where, (await post(from(where), '/api/token')).status]).toEqual([where, 403]);
      expect([where, (await post(from(where))).status]).toEqual([where, 403]);
      for (const path of ['/api/fleet', '/API/fleet', '/api/ice'])
        expect([where, path, (await get(from(where), path)).status]).toEqual([where, path, 403]);
    }
    expect((await post({}, '/api/token')).status).toBe(401);
    expect(JSON.parse((await get(from('cross-site'), '/api/fleet')).text)).toEqual({
      error:
        'This is for this server’s own pages, and the browser says that a page of another site asks (Sec-Fetch-Site: cross-site).',
    });
    expect(warnings()).toHaveLength(1);
  });

  test('may look at pages, to which a link of another site leads', async () => {
    const { get } = await site();
    expect((await get(from('cross-site'))).status).toBe(200);
    expect((await get(from('cross-site'), '/nothing')).status).toBe(404);
  });

  test('goes by the Origin where there is one', async () => {
    const { post, get, upgrade, host } = await site({ allowOrigins: ['https://desk.example.org'] });
    const desk = { Origin: 'https://desk.example.org', ...from('same-site') };
    expect((await post(desk)).status).toBe(404);
    expect((await get(desk, '/api/fleet')).status).toBe(200);
    expect((await upgrade(desk)).status).toBe(101);
    expect((await get({ ...desk, Origin: 'https://evil.example' }, '/api/fleet')).status).toBe(403);
    expect((await post({ Origin: `http://${host}`, ...from('same-origin') })).status).toBe(404);
    expect((await upgrade(from('cross-site'))).status).toBe(403);
  });
});

describe('the Host, where the server listens for its own machine only', () => {
  test('is a name of that: no other site can have its name point here', async () => {
    const { get, upgrade, port, warnings } = await site();
    for (const Host of ['localhost', `LOCALHOST:${port}`, '127.0.0.1', `[::1]:${port}`, '127.0.0.2']) {
      expect([Host, (await get({ Host })).status]).toEqual([Host, 200]);
    }
    for (const Host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '192.0.2.1',
      '@',
    ]) {
      expect([Host, (await get({ Host })).status]).toEqual([Host, 421]);
    }
    const rebound = { Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` };
    expect(await upgrade(rebound)).toEqual({
      status: 421,
      text: `This server listens for its own machine only, and 'evil.example:${port}' is not a name of that. Behind a proxy it needs --public-url, or --trust-proxy.`,
    });
    expect(JSON.parse((await get(rebound, '/api/fleet')).text)).toEqual({
      error: expect.stringContaining('evil.example'),
    });
    expect(warnings()).toHaveLength(1);
  });

  test('may be that of --public-url', async () => {
    const { get, upgrade } = await site({ publicUrl: 'https://fleet.example.org' });
    const Host = 'fleet.example.org';
    expect((await get({ Host })).status).toBe(200);
    expect((await upgrade({ Host, Origin: `https://${Host}` })).status).toBe(101);
    expect((await get({ Host: 'evil.example' })).status).toBe(421);
  });

  test('may be any that a trusted proxy hands on, and no other', async () => {
    const { get } = await site({ trustProxy: parseTrust('1') });
    expect((await get({ Host: 'fleet.example.org', 'X-Forwarded-For': '203.0.113.9' })).status).toBe(200);
    expect((await get({ Host: 'fleet.example.org' })).status).toBe(421);
    const { get: known } = await site({ trustProxy: parseTrust('loopback') });
    expect((await known({ 'X-Forwarded-For': 'nobody, at all' })).status).toBe(200);
    const { get: untold } = await site();
    expect((await untold({ Host: 'fleet.example.org', 'X-Forwarded-For': '203.0.113.9' })).status).toBe(421);
  });

  test('is not looked at where it listens for others', async () => {
    const { get } = await site({ host: '0.0.0.0', mqttHost: '127.0.0.1' });
    expect((await get({ Host: 'fleet.example.org' })).status).toBe(200);
  });
});
