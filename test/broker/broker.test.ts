/** The embedded broker at the wire, over both transports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../broker/serve.ts';
import { recordLog } from '../helpers/log.ts';
import { mosquittoPub, mosquittoSub } from '../helpers/mosquitto.ts';
import { closed, connectMqtt, nextMessage } from '../helpers/mqtt-clients.ts';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));

async function brokerWithLog() {
  const record = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0 }, record.log);
  onTestFinished(() => server.close());
  const urls = { tcp: server.mqttUrl, websocket: `${server.webUrl.replace('http', 'ws')}/mqtt` };
  return { ...record, urls, port: Number(new URL(server.mqttUrl).port) };
}

describe.each(['tcp', 'websocket'] as const)('over %s', (transport) => {
  test('a retained message is there for who subscribes later, and gone when cleared', async () => {
    const { urls, port } = await brokerWithLog();
    const client = await connectMqtt(urls[transport]);
    await mosquittoPub(port, 'rooms/car1/offer', 'first', '-r', '-q', '1');
    const message = nextMessage(client);
    await client.subscribeAsync('rooms/car1/offer', { qos: 1 });
    expect(await message).toEqual({ topic: 'rooms/car1/offer', text: 'first', retained: true });

    await client.publishAsync('rooms/car1/offer', '', { qos: 1, retain: true });
    const later = await mosquittoSub(port, 'rooms/#');
    await mosquittoPub(port, 'rooms/car1/bye', 'after');
    expect(await later.next()).toBe('rooms/car1/bye after');
  });

  test('a will is published when the connection breaks, and not when it ends', async () => {
    const { urls, port } = await brokerWithLog();
    const ears = await mosquittoSub(port, 'rooms/#');
    const will = { topic: 'rooms/car1/peers/car1', payload: 'lost', qos: 1 as const, retain: true };
    const polite = await connectMqtt(urls[transport], { will: { ...will, payload: 'wrong' } });
    await polite.endAsync();
    const broken = await connectMqtt(urls[transport], { will });
    broken.stream.destroy();
    expect(await ears.next()).toBe('rooms/car1/peers/car1 lost');
  });

  test('publishing below $SYS ends the connection of who does it, and nobody else’s', async () => {
    const { urls, logged } = await brokerWithLog();
    const bystander = await connectMqtt(urls[transport]);
    await bystander.subscribeAsync('rooms/#');
    const offender = await connectMqtt(urls[transport], { clientId: 'offender' });
    const end = closed(offender);
    offender.publish('$SYS/fake', 'x');
    await end;
    await logged(({ fields, level }) => level === 'warn' && fields.client === 'offender');

    const message = nextMessage(bystander);
    await bystander.publishAsync('rooms/car1/telemetry', 'still here');
    expect((await message).text).toBe('still here');
  });

  test('a will below $SYS is not published, and harms nobody', async () => {
    const { urls, logged, port } = await brokerWithLog();
    const ears = await mosquittoSub(port, '#', '-t', '$SYS/fake/#');
    const will = { topic: '$SYS/fake/will', payload: Buffer.from('x'), qos: 1 as const, retain: false };
    const client = await connectMqtt(urls[transport], { clientId: 'liar', will });
    client.stream.destroy();
    await logged(({ fields, message }) => fields.client === 'liar' && message.includes('disconnected'));
    await mosquittoPub(port, 'rooms/x', 'next');
    expect(await ears.next()).toBe('rooms/x next');
  });

  test('a frozen subscriber does not stop delivery to the others', async () => {
    const { urls, entries, port } = await brokerWithLog();
    process.kill(await frozenLater(transport, urls.websocket, port), 'SIGSTOP');

    const reader = await connectMqtt(urls.tcp);
    await reader.subscribeAsync('rooms/#');
    const writer = await connectMqtt(urls.tcp);
    const payload = Buffer.alloc(4096);
    const frozenIsSlow = () => entries.some(({ message }) => message.startsWith('slow MQTT client'));
    const roundOfMessages = async () => {
      const all = Promise.withResolvers<void>();
      let missing = 8;
      const onMessage = () => {
        missing -= 1;
        if (missing === 0) all.resolve();
      };
      reader.on('message', onMessage);
      for (let i = 0; i < 8; i += 1) writer.publish('rooms/car1/telemetry', payload);
      await all.promise;
      reader.off('message', onMessage);
    };
    // Until the kernel's buffers are full and the broker notices.
    while (!frozenIsSlow()) await roundOfMessages();
    for (let i = 0; i < 20; i += 1) await roundOfMessages();
    // That is what it would say had it waited for the frozen one.
    expect(entries.filter(({ fields }) => fields.reason === 'drain timeout')).toEqual([]);
  });
});

/** Starts a subscriber to everything, in a process of its own. */
async function frozenLater(transport: 'tcp' | 'websocket', url: string, port: number): Promise<number> {
  if (transport === 'tcp') return (await mosquittoSub(port, 'rooms/#')).pid;
  const script = `
    import mqtt from 'mqtt';
    const client = await mqtt.connectAsync('${url}', { protocolVersion: 4, keepalive: 30 });
    await client.subscribeAsync('rooms/#');
    console.log('subscribed');`;
  const child = spawn(NODE, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  return child.pid as number;
}

describe('a client is refused', () => {
  test('with an id that is too long, and told so', async () => {
    const { urls, logged } = await brokerWithLog();
    await expect(connectMqtt(urls.tcp, { clientId: 'x'.repeat(65) })).rejects.toMatchObject({ code: 2 });
    await logged(({ fields }) => String(fields.reason).includes('more than 64 characters'));
    await connectMqtt(urls.tcp, { clientId: 'x'.repeat(64) });
  });

  test('with a will and a keepalive so long that its death would be noticed late', async () => {
    const { urls } = await brokerWithLog();
    const will = { topic: 'rooms/car1/peers/car1', payload: Buffer.from('lost') };
    await expect(connectMqtt(urls.tcp, { keepalive: 31, will })).rejects.toMatchObject({ code: 5 });
    await connectMqtt(urls.tcp, { keepalive: 30, will });
    await connectMqtt(urls.tcp, { keepalive: 60 });
  });

  test('without keepalive', async () => {
    const { urls } = await brokerWithLog();
    await expect(connectMqtt(urls.tcp, { keepalive: 0 })).rejects.toThrow();
  });

  test('with MQTT 5', async () => {
    const { urls } = await brokerWithLog();
    await expect(connectMqtt(urls.websocket, { protocolVersion: 5 })).rejects.toThrow();
  });
});

test('connects and disconnects are logged with transport and address, and no payload ever is', async () => {
  const { urls, entries, logged } = await brokerWithLog();
  const client = await connectMqtt(urls.websocket, { clientId: 'op-1' });
  await client.publishAsync('rooms/car1/estop', 'a-secret', { qos: 1 });
  await client.endAsync();
  const gone = await logged(
    ({ message, fields }) => message.includes('disconnected') && fields.client === 'op-1',
  );
  expect(gone.fields).toMatchObject({
    transport: 'websocket',
    remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  });
  expect(JSON.stringify(entries)).not.toContain('a-secret');
});
