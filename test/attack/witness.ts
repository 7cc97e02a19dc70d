/** Somebody who hears everything: whether what an attacker said has gone further than the server. */
import mqtt, { type MqttClient } from 'mqtt';
import type { Target } from './target.ts';

export interface Witness {
  /** Messages that were heard so far and that fit, by topic. */
  heard(fits: (topic: string, payload: Buffer) => boolean): number;
  /** Resolves when all that the server had taken before has been heard. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** A client that is let in, on the server's own machine. */
export const join = (target: Target, sub: string, password: string): Promise<MqttClient> =>
  mqtt.connectAsync(target.mqttUrl, {
    protocolVersion: 4,
    keepalive: 10,
    reconnectPeriod: 0,
    clientId: sub,
    username: sub,
    password,
  });

/** @param filter what is listened to; everything unless given */
export async function listen(target: Target, filter = '#'): Promise<Witness> {
  const monitor = await join(target, 'mon-witness', await target.token('mon-witness', 'monitor', ['*']));
  const marker = await join(target, 'car9', await target.token('car9', 'vehicle', ['car9']));
  const messages: { topic: string; payload: Buffer }[] = [];
  let marked = 0;
  let wake = () => {};
  monitor.on('message', (topic, payload) => {
    if (topic === 'rooms/car9/link/marker') {
      marked = Number(payload.toString());
      wake();
    } else messages.push({ topic, payload });
  });
  await monitor.subscribeAsync([filter, 'rooms/car9/link/marker'], { qos: 1 });
  let asked = 0;
  return {
    heard: (fits) => messages.filter(({ topic, payload }) => fits(topic, payload)).length,
    async caughtUp() {
      asked += 1;
      await marker.publishAsync('rooms/car9/link/marker', String(asked), { qos: 1 });
      while (marked < asked)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    async close() {
      await Promise.all([monitor.endAsync(), marker.endAsync()]);
    },
  };
}
