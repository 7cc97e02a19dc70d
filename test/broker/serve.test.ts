/** Starting and stopping the whole server. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../broker/serve.ts';
import { recordLog } from '../helpers/log.ts';
import { mosquittoSub, startMosquitto } from '../helpers/mosquitto.ts';
import { closed, connectMqtt } from '../helpers/mqtt-clients.ts';
import { freePort } from '../helpers/ports.ts';
import { silent, testServer } from '../helpers/room.ts';

async function takenPort(): Promise<number> {
  const port = await freePort();
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return port;
}

test('a taken port is named, with the option that changes it, and nothing keeps listening', async () => {
  const taken = await takenPort();
  const other = await freePort();
  await expect(startServer({ port: taken, mqttPort: other }, silent)).rejects.toThrow(
    `Port ${taken} on 127.0.0.1 is already in use; choose another one with --port.`,
  );
  await expect(startServer({ port: other, mqttPort: taken }, silent)).rejects.toThrow(
    `Port ${taken} on 127.0.0.1 is already in use; choose another one with --mqtt-port.`,
  );
  await testServer({ port: other, mqttPort: await freePort() });
});

test('it listens on the loopback address unless told otherwise, and warns when told otherwise', async () => {
  const { log, entries } = recordLog();
  const quiet = await startServer({ port: 0, mqttPort: 0 }, log);
  onTestFinished(() => quiet.close());
  expect(quiet.webUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(quiet.mqttUrl).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+$/);
  expect(entries.filter(({ level }) => level === 'warn')).toEqual([]);

  const problem = await startServer({ port: 0, mqttPort: 0, host: '192.0.2.1' }, log).catch((error) => error);
  expect(problem.message).toContain('192.0.2.1');
  expect(entries.find(({ level }) => level === 'warn')?.message).toContain('without access control');
});

test('it closes with clients that answer, clients that are frozen, and clients that never said a word', async () => {
  const { log, entries } = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0 }, log);
  const will = {
    topic: 'rooms/car1/peers/car1',
    payload: Buffer.from('lost'),
    qos: 1 as const,
    retain: true,
  };
  const frozen = await mosquittoSub(Number(new URL(server.mqttUrl).port), 'rooms/#');
  process.kill(frozen.pid, 'SIGSTOP');
  const heard: string[] = [];
  const urls = [server.mqttUrl, `${server.webUrl.replace('http', 'ws')}/mqtt`];
  const clients = await Promise.all(urls.map((url) => connectMqtt(url, { will })));
  for (const client of clients) {
    client.on('message', (topic) => heard.push(topic));
    await client.subscribeAsync('#');
  }
  const ends = clients.map(closed);
  for (const url of [server.mqttUrl, server.webUrl]) {
    const mute = connect(Number(new URL(url).port), '127.0.0.1');
    await once(mute, 'connect');
    onTestFinished(() => {
      mute.destroy();
    });
  }
  // Its connection is kept open.
  await fetch(`${server.webUrl}/healthz`);

  await server.close();
  await Promise.all(ends);
  // Nobody is told that everybody is lost.
  expect(heard).toEqual([]);
  expect(entries.filter(({ level }) => level === 'error')).toEqual([]);
  await expect(fetch(`${server.webUrl}/healthz`)).rejects.toThrow();
  // Twice is fine.
  await server.close();
});

test('with an external broker it is ready while that broker is there', async () => {
  const mosquitto = await startMosquitto();
  const { log, logged } = recordLog();
  const external = { url: mosquitto.url, pageUrl: mosquitto.webSocketUrl };
  const server = await startServer({ port: 0, external }, log);
  onTestFinished(() => server.close());
  await logged(({ message }) => message.startsWith('connected to the external'));
  expect(server.mqttUrl).toBe(mosquitto.url);
  expect((await fetch(`${server.webUrl}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${server.webUrl}/api/fleet`)).json()).toMatchObject({
    mqtt: { url: mosquitto.webSocketUrl },
  });

  await mosquitto.stop();
  await logged(({ message }) => message.endsWith('is not connected'));
  const response = await fetch(`${server.webUrl}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    ready: false,
    reason: expect.stringMatching(`^the MQTT broker ${mosquitto.url} is not connected \\(.*ECONNREFUSED`),
  });

  await startMosquitto(mosquitto.port);
  await logged(({ message }) => message.startsWith('connected to the external'));
});

test('it starts without its external broker, and never shows that broker’s password', async () => {
  const { log, entries, logged } = recordLog();
  const port = await freePort();
  const external = { url: `mqtt://me:hush@127.0.0.1:${port}`, pageUrl: `ws://127.0.0.1:${port}` };
  const server = await startServer({ port: 0, external }, log);
  onTestFinished(() => server.close());
  await logged(({ message }) => message.endsWith('is not connected'));
  const shown = [
    server.mqttUrl,
    await (await fetch(`${server.webUrl}/readyz`)).text(),
    JSON.stringify(entries),
  ];
  expect(shown.join()).not.toContain('hush');
});
