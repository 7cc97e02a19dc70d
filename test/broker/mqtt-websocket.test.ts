/** What the WebSocket endpoint takes and refuses. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Broker, Connection } from '../../broker/broker.ts';
import { createGuard } from '../../broker/limits/guard.ts';
import { limitHttp } from '../../broker/limits/http-limits.ts';
import { DEFAULT_LIMITS } from '../../broker/limits/limits.ts';
import { attachMqttWebSocket } from '../../broker/mqtt-websocket.ts';
import { connectMqtt, retainedMessages } from '../helpers/mqtt-clients.ts';
import { silent, testServer } from '../helpers/room.ts';

/** Asks for an upgrade with plain HTTP; resolves with the status of the answer, 101 for an upgrade. */
function upgrade(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asking.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, text: '' });
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

async function webSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, 'mqtt');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

const webSocketUrl = (server: { webUrl: string }) => `${server.webUrl.replace('http', 'ws')}/mqtt`;

test.each([[{}], [{ 'Sec-WebSocket-Protocol': 'mqttv5, chat' }]])(
  'an upgrade that does not offer the subprotocol mqtt is refused with 400: %j',
  async (headers) => {
    const { webUrl } = await testServer();
    expect(await upgrade(`${webUrl}/mqtt`, headers)).toEqual({
      status: 400,
      text: 'Offer the WebSocket subprotocol mqtt.',
    });
  },
);

test('an upgrade at the right path with mqtt among the subprotocols is taken', async () => {
  const { webUrl } = await testServer();
  const headers = { 'Sec-WebSocket-Protocol': 'chat, mqtt' };
  expect((await upgrade(`${webUrl}/mqtt?from=page`, headers)).status).toBe(101);
});

test.each(['/', '/mqtt/', '/mqttx', '/api/fleet'])('an upgrade at %s is refused with 404', async (path) => {
  const { webUrl } = await testServer();
  const answer = await upgrade(`${webUrl}${path}`, { 'Sec-WebSocket-Protocol': 'mqtt' });
  expect(answer.status).toBe(404);
});

test('a message of 1 MiB ends the connection of who sends it with 1009, and nobody else’s', async () => {
  const server = await testServer();
  const url = webSocketUrl(server);
  const bystander = await connectMqtt(url);
  const offender = await webSocket(url);
  const closed = once(offender, 'close');
  offender.send(Buffer.alloc(1024 * 1024));
  expect((await closed)[0]).toBe(1009);
  await bystander.publishAsync('rooms/car1/lease', 'x', { qos: 1, retain: true });
  expect(await retainedMessages(server.mqttUrl)).toEqual({ 'rooms/car1/lease': 'x' });
});

test('a text frame ends the connection, as MQTT demands', async () => {
  const offender = await webSocket(webSocketUrl(await testServer()));
  const closed = once(offender, 'close');
  offender.send('hello');
  expect((await closed)[0]).toBe(1003);
});

test('bytes that are not MQTT end the connection of who sends them', async () => {
  const server = await testServer();
  const offender = await webSocket(webSocketUrl(server));
  const closed = once(offender, 'close');
  offender.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await closed;
  await connectMqtt(webSocketUrl(server));
});

test('everything that is sent in one go arrives, in order', async () => {
  const url = webSocketUrl(await testServer());
  const [reader, writer] = [await connectMqtt(url), await connectMqtt(url)];
  await reader.subscribeAsync('rooms/#', { qos: 1 });
  const count = 3_000;
  const received: number[] = [];
  const all = Promise.withResolvers<void>();
  reader.on('message', (_topic, payload) => {
    received.push(payload.readUInt32BE(0));
    if (received.length === count) all.resolve();
  });
  for (let i = 0; i < count; i += 1) {
    const payload = Buffer.alloc(1_000);
    payload.writeUInt32BE(i);
    writer.publish('rooms/car1/x', payload, { qos: 1 });
  }
  await all.promise;
  expect(received).toEqual(Array.from({ length: count }, (_, i) => i));
});

test('when the server closes, WebSockets are told that it goes away', async () => {
  const server = await testServer();
  const socket = await webSocket(webSocketUrl(server));
  const closed = once(socket, 'close');
  await server.close();
  expect((await closed)[0]).toBe(1001);
});

test('a client that sends faster than the broker reads has to wait, and nothing is lost', async () => {
  const accepted = Promise.withResolvers<Duplex & { socket: WebSocket }>();
  const broker = {
    accept: ({ stream }: Connection) => accepted.resolve(stream as Duplex & { socket: WebSocket }),
  };
  const server = createServer();
  const guard = createGuard({ limits: DEFAULT_LIMITS, root: 'rooms', onHit() {} }, silent);
  const http = limitHttp(server, guard);
  const endpoint = attachMqttWebSocket(server, broker as unknown as Broker, guard, http, () => null);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await webSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`);
  onTestFinished(() => {
    server.close();
    guard.close();
    return endpoint.close();
  });

  const stream = await accepted.promise;
  const total = 24 * 1024 * 1024;
  const frame = Buffer.alloc(128 * 1024);
  for (let sent = 0; sent < total; sent += frame.length) client.send(frame);
  while (!stream.socket.isPaused) await turn();
  let received = 0;
  let most = 0;
  while (received < total) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) await turn();
    else {
      received += chunk.length;
      most = Math.max(most, chunk.length);
    }
  }
  expect(received).toBe(total);
  expect(most).toBeLessThan(1024 * 1024);
});
