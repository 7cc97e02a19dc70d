/** Somebody who hears everything: whether what an attacker said has gone further than the server. */
import mqtt, { type MqttClient } from 'mqtt';
import { eventually } from '../helpers/eventually.ts';
import type { Target } from './target.ts';

export interface Witness {
  /** Messages that were heard so far and that fit, by topic. */
  heard(fits: (topic: string, payload: Buffer) => boolean): number;
  /** The last message on a topic, as JSON; null when there is none that is. */
  last(topic: string): Record<string, unknown> | null;
  /** Resolves when the next message comes on a topic. */
  heardNext(topic: string): Promise<void>;
  /** Resolves when all that the server had taken before has been heard. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** Of a room that nobody else has to do with. */
const MARKER = 'rooms/car9/report/car9/op-marker';

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
  const watchers = new Set<() => void>();
  let marked = 0;
  monitor.on('message', (topic, payload) => {
    if (topic === MARKER) marked = Number(payload.toString());
    else messages.push({ topic, payload });
    for (const watcher of [...watchers]) watcher();
  });
  await monitor.subscribeAsync([filter, MARKER], { qos: 1 });
  let asked = 0;
  return {
    last(topic) {
      const found = messages.findLast((one) => one.topic === topic);
      try {
        return found ? JSON.parse(found.payload.toString()) : null;
      } catch {
        return null;
      }
    },
    async heardNext(topic) {
      const count = () => messages.filter((one) => one.topic === topic).length;
      const before = count();
      await eventually(
        watchers,
        () => count() > before || undefined,
        () => `nothing is heard on ${topic}`,
      );
    },
    heard: (fits) => messages.filter(({ topic, payload }) => fits(topic, payload)).length,
    async caughtUp() {
      asked += 1;
      await marker.publishAsync(MARKER, String(asked), { qos: 1 });
      await eventually(
        watchers,
        () => marked >= asked || undefined,
        () => 'the witness does not hear its own marker',
      );
    },
    async close() {
      await Promise.all([monitor.endAsync(), marker.endAsync()]);
    },
  };
}
