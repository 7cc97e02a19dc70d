/** Who may connect, and how long they may take for it, at the wire. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createGuard } from '../../../broker/limits/guard.ts';
import { httpServerOptions, limitHttp } from '../../../broker/limits/http-limits.ts';
import { DEFAULT_LIMITS } from '../../../broker/limits/limits.ts';
import { guardedServer } from '../../helpers/access.ts';
import { createAuthority } from '../../helpers/certificates.ts';
import { limitedServer } from '../../helpers/limited-server.ts';
import { closed, connectMqtt, nextMessage } from '../../helpers/mqtt-clients.ts';
import { connectPacket, rawConnection } from '../../helpers/raw-mqtt.ts';
import { silent } from '../../helpers/room.ts';

async function upgradeStatus(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url, 'mqtt', { headers });
  onTestFinished(() => socket.terminate());
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
  });
}

test.each(['connections', 'connectionsPerAddress'] as const)(
  'over %s a new one is refused in the words of its protocol, and there is room when one has gone',
  async (name) => {
    const { mqttUrl, webUrl, webSocketUrl, said, hits, used, close } = await limitedServer({ [name]: 3 });
    const label = name === 'connections' ? 'connections' : 'connections-per-address';
    const clients = [];
    for (const url of [mqttUrl, webSocketUrl, mqttUrl]) clients.push(await connectMqtt(url));

    await expect(connectMqtt(mqttUrl)).rejects.toMatchObject({ code: 3 });
    expect(await upgradeStatus(webSocketUrl)).toBe(503);
    const page = await fetch(`${webUrl}/healthz`);
    expect(page.status).toBe(503);
    expect(page.headers.get('retry-after')).toBe('10');
    expect(await page.text()).toMatch(/^The server is full: there are 3 connections .*already\.\n$/);
    for (let i = 0; i < 20; i++) await expect(connectMqtt(mqttUrl)).rejects.toThrow();
    // One line for TCP and HTTP together: it is the same address and the same limit.
    expect(said(name)).toHaveLength(1);
    expect(said(name)[0]).toMatchObject({ level: 'warn', message: 'connection refused' });

    await clients[0]?.endAsync();
    await expect.poll(() => hits(label)).toBeGreaterThanOrEqual(23);
    // The two that are left, and the scrape itself.
    await expect.poll(() => used(label)).toBe(3);
    await close();
    expect(said(name)).toHaveLength(2);
  },
);

test.each(['mqttUrl', 'webUrl'] as const)(
  'a flood of connections at %s is let go, and who is there stays',
  async (at) => {
    const server = await limitedServer({ connections: 2 });
    const client = await connectMqtt(server.mqttUrl);
    await client.subscribeAsync('rooms/#', { qos: 1 });
    const room = await rawConnection(server[at]);
    const flood = await Promise.all(Array.from({ length: 200 }, () => rawConnection(server[at])));
    const message = nextMessage(client);
    await client.publishAsync('rooms/car1/x', 'y', { qos: 1 });
    expect((await message).text).toBe('y');
    // Most of them at once, and those that could have been told why, in time.
    await Promise.all(flood.map(({ closed: end }) => end));
    expect(server.said('connections')).toHaveLength(1);
    room.socket.destroy();
    await room.closed;
    await expect.poll(() => server.hits('connections')).toBeGreaterThanOrEqual(200);
  },
);

test('behind a proxy addresses are those that it forwards', async () => {
  const guard = createGuard(
    { limits: { ...DEFAULT_LIMITS, connectionsPerAddress: 1 }, root: 'rooms', onHit() {} },
    silent,
  );
  const server = createServer(httpServerOptions(guard.limits));
  const limits = limitHttp(server, guard, ({ headers }) => String(headers['x-forwarded-for']));
  const held: (() => void)[] = [];
  server.on('upgrade', (request, socket) => {
    const admission = limits.admitUpgrade(request);
    if (admission.ok) held.push(admission.release);
    socket.end(`HTTP/1.1 ${admission.ok ? '426 Upgrade Required' : '503 Full'}\r\nContent-Length: 0\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    guard.close();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const from = (address: string) => upgradeStatus(url, { 'X-Forwarded-For': address });
  expect(await from('192.0.2.1')).toBe(426);
  expect(await from('192.0.2.2')).toBe(426);
  expect(await from('192.0.2.1')).toBe(503);
  held[0]?.();
  expect(await from('192.0.2.1')).toBe(426);
});

test('who says nothing, or says CONNECT too slowly, is closed in time, over TCP and WebSocket', async () => {
  const { mqttUrl, webSocketUrl, hits, said } = await limitedServer({ connectSeconds: 1 });
  const mute = await rawConnection(mqttUrl);
  const slow = await rawConnection(mqttUrl);
  const bytes = connectPacket('slow');
  let sent = 0;
  const drip = setInterval(() => slow.socket.write(bytes.subarray(sent, ++sent)), 100);
  onTestFinished(() => clearInterval(drip));
  const webSocket = new WebSocket(webSocketUrl, 'mqtt');
  const end = once(webSocket, 'close');
  expect((await mute.closed).length + (await slow.closed).length).toBe(0);
  const [code, reason] = await end;
  expect(code).toBe(1008);
  expect(String(reason)).toBe('connect did not arrive in time');
  expect(await hits('connect-seconds')).toBe(3);
  expect(said('connectSeconds')).toHaveLength(1);
});

test('a request that never gets ready is answered with 408, headers that are too large with 431', async () => {
  const { webUrl, hits, said } = await limitedServer({ httpSeconds: 1, headerBytes: 2048 });
  const mute = await rawConnection(webUrl);
  const slow = await rawConnection(webUrl);
  slow.socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => slow.socket.write('X: y\r\n'), 100);
  onTestFinished(() => clearInterval(drip));
  const large = await rawConnection(webUrl);
  large.socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(4000)}\r\n\r\n`);
  expect(String(await large.closed)).toMatch(/^HTTP\/1\.1 431 /);
  expect(String(await slow.closed)).toMatch(/^HTTP\/1\.1 408 /);
  expect(String(await mute.closed)).toMatch(/^HTTP\/1\.1 408 /);
  expect(await hits('http-seconds')).toBe(2);
  expect(await hits('header-bytes')).toBe(1);
  expect([said('httpSeconds'), said('headerBytes')].map(({ length }) => length)).toEqual([1, 1]);
});

test('with TLS who makes no handshake is closed in time, and who is one too many before it', async () => {
  const { cert, key } = await (await createAuthority()).issue('server');
  const limits = { connectSeconds: 1, connections: 2 };
  const server = await limitedServer(limits, { mqttsPort: 0, tls: { cert, key } });
  const mute = await rawConnection(server.webUrl);
  const other = await rawConnection(server.mqttsUrl as string);
  for (const url of [server.webUrl, server.mqttsUrl as string]) {
    expect(await (await rawConnection(url)).closed).toHaveLength(0);
  }
  expect(server.said('connections')).toHaveLength(1);
  // With an alert of TLS, or without a word.
  await Promise.all([mute.closed, other.closed]);
  expect(
    server
      .said('connectSeconds')
      .map(({ message }) => message)
      .sort(),
  ).toEqual(['HTTP request refused', 'over a limit']);
});

test('only CONNECT is taken from who was not let in, and only what comes after it from then on', async () => {
  const { mqttUrl, logged } = await limitedServer({});
  const bystander = await connectMqtt(mqttUrl);
  await bystander.subscribeAsync('rooms/#');
  const first = new Promise((resolve) => bystander.once('message', (topic) => resolve(topic)));
  const rude = await rawConnection(mqttUrl);
  rude.socket.write(Buffer.from([0xc0, 0x00]));
  await rude.closed;
  await logged(({ fields }) => fields.reason === 'the first packet is not CONNECT');

  const hasty = await connectMqtt(mqttUrl);
  const end = closed(hasty);
  await hasty.publishAsync('rooms/car1/telemetry', 'x');
  expect(await first).toBe('rooms/car1/telemetry');
  await hasty.endAsync();
  await end;
});

test('requests that are sent ahead of their answers are not served all at once, and leave nothing open', async () => {
  const { webUrl, logged } = await limitedServer({});
  const socket = connect(Number(new URL(webUrl).port), '127.0.0.1');
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  socket.resume();
  socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(500));
  await closed;
  await logged(({ message }) => message === 'HTTP requests ahead of an answer refused');
  expect((await fetch(`${webUrl}/healthz`)).status).toBe(200);
});

test('who takes an answer too slowly is closed, and others get theirs', async () => {
  const hits: string[] = [];
  const limits = { ...DEFAULT_LIMITS, responseSeconds: 1 };
  const guard = createGuard({ limits, root: 'rooms', onHit: (limit) => void hits.push(limit) }, silent);
  const server = createServer(httpServerOptions(limits));
  const large = Buffer.alloc(64 * 1024 * 1024);
  server.on(
    'request',
    limitHttp(server, guard).handler((_request, response) => void response.end(large)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    guard.close();
  });
  const { port } = server.address() as AddressInfo;
  const slow = connect(port, '127.0.0.1');
  slow.on('error', () => {});
  const end = once(slow, 'close');
  slow.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  // A little now and then: never idle, and never done.
  const sip = setInterval(() => slow.read(1), 50);
  onTestFinished(() => clearInterval(sip));
  const whole = await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
  expect(whole.byteLength).toBe(large.length);
  await expect.poll(() => hits, { timeout: 20_000 }).toEqual(['responseSeconds']);
  clearInterval(sip);
  slow.resume();
  await end;
});

test('who comes and goes without end is refused after a while, and said once; a neighbour is not', async () => {
  const { mqttUrl, login, entries, webUrl } = await guardedServer({ limits: { connects: 30 } });
  const [restless, other] = [
    await login('car1', 'vehicle', ['car1']),
    await login('car2', 'vehicle', ['car2']),
  ];
  for (let i = 0; i < 30; i++) await (await connectMqtt(mqttUrl, restless)).endAsync();
  for (let i = 0; i < 10; i++)
    await expect(connectMqtt(mqttUrl, restless)).rejects.toMatchObject({ code: 3 });
  await connectMqtt(mqttUrl, other);

  const of = (message: string) =>
    entries.filter((entry) => entry.message === message && entry.fields.client === 'car1');
  expect(of('MQTT client connected')).toHaveLength(20);
  expect(of('MQTT client comes and goes')).toHaveLength(1);
  expect(of('MQTT client refused').map(({ fields }) => fields.reason)).toEqual([
    expect.stringMatching(/^it came more than 30 times in 60 s: it may again in \d+ s$/),
  ]);
  const { password } = await login('mon-1', 'monitor', ['*']);
  const headers = { Authorization: `Bearer ${password}` };
  const metrics = await (await fetch(`${webUrl}/metrics`, { headers })).text();
  expect(metrics).toMatch(/^plntry_limit_hits_total\{limit="connects"\} 10$/m);
});

test('one peer has so many connections at once, and another when one has gone', async () => {
  const { mqttUrl, login, entries } = await guardedServer({ limits: { connectionsPerPeer: 2 } });
  const token = await login('car1', 'vehicle', ['car1']);
  const as = (clientId: string) => connectMqtt(mqttUrl, { ...token, clientId });
  const clients = [await as('A.1'), await as('A.2')];
  await expect(as('A.3')).rejects.toMatchObject({ code: 3 });
  await connectMqtt(mqttUrl, await login('car2', 'vehicle', ['car2']));
  // One that comes again, and whose old connection has not been missed yet, takes its own place.
  clients[1] = await as('A.2');
  await clients[0]?.endAsync();
  await expect.poll(() => as('A.3').then(() => 'let in', String)).toBe('let in');
  const said = entries.filter(({ fields }) => fields.limit === 'connections-per-peer');
  expect(said.map(({ fields }) => fields.reason)).toEqual(['it has 2 connections already']);
});

test('over the rate of HTTP requests an address is told to wait, and waits', async () => {
  const { webUrl, said, hits } = await limitedServer({ requests: 10 });
  const statuses = await Promise.all(
    Array.from({ length: 80 }, async () => {
      const { status, headers } = await fetch(`${webUrl}/healthz`);
      return `${status} ${headers.get('retry-after')}`;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set(['200 null', '429 10']));
  expect(statuses.filter((status) => status === '200 null').length).toBeGreaterThanOrEqual(50);
  expect(said('requests')).toHaveLength(1);
  await expect.poll(() => hits('requests').catch(() => 0), { timeout: 20_000 }).toBeGreaterThan(10);
});

/** Frames of a client, unmasked by a mask of zeroes (RFC 6455, 5.2). */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const EMPTY = Buffer.from([0x82, 0x80, 0, 0, 0, 0]);
const CONTINUED = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);

test.each([
  ['pongs', PONG],
  ['empty frames', EMPTY],
  ['an empty message without an end', CONTINUED],
])('a WebSocket that carries nothing but %s is closed, and said once', async (_what, frame) => {
  const { webUrl, logged, mqttUrl } = await limitedServer({});
  const { port, host } = new URL(webUrl);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  // A reset is an end too.
  const end = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  const lines = ['GET /mqtt HTTP/1.1', `Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade'];
  lines.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');
  socket.write(`${lines.join('\r\n')}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`);
  await once(socket, 'data');
  if (frame === CONTINUED) socket.write(Buffer.from([0x02, 0x80, 0, 0, 0, 0]));
  socket.write(Buffer.concat(Array(20_000).fill(frame)));
  await end;
  // By ws itself, where that has a limit of its own.
  await logged(({ message }) => message.startsWith('WebSocket closed'));
  await connectMqtt(mqttUrl);
});
