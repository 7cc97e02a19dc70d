/** MQTT.js clients that end with the test. */
import { randomBytes } from 'node:crypto';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';

/** A client that is connected, over whatever the URL says, and does not reconnect. */
export async function connectMqtt(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, {
    protocolVersion: 4,
    keepalive: 10,
    reconnectPeriod: 0,
    ...options,
  });
  onTestFinished(() => client.endAsync(true));
  return client;
}

export function nextMessage(client: MqttClient): Promise<{ topic: string; text: string; retained: boolean }> {
  return new Promise((resolve) => {
    client.once('message', (topic, payload, { retain }) =>
      resolve({ topic, text: payload.toString(), retained: retain }),
    );
  });
}

/** Resolves when the client's connection ends. */
export function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}

/** What the broker holds as retained below a filter, by topic. */
export async function retainedMessages(url: string, filter = 'rooms/#'): Promise<Record<string, string>> {
  const client = await connectMqtt(url);
  const marker = `retained-probe/${randomBytes(4).toString('hex')}`;
  const retain = { qos: 1 as const, retain: true };
  await client.publishAsync(marker, 'last', retain);
  const found: Record<string, string> = {};
  const all = new Promise<void>((resolve) => {
    client.on('message', (topic, payload, packet) => {
      if (topic === marker) resolve();
      else if (packet.retain) found[topic] = payload.toString();
    });
  });
  // Retained messages come in the order of the subscriptions; what is published live may overtake them.
  await client.subscribeAsync([filter, marker], { qos: 1 });
  await all;
  await client.publishAsync(marker, '', retain);
  await client.endAsync();
  return found;
}
