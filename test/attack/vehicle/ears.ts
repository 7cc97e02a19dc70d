/** What a car says over MQTT of where it can be reached: whoever hears that can send it anything. */
import type { MqttClient } from 'mqtt';
import { createTopics } from '../../../shared/topics.ts';
import { eventually } from '../../helpers/eventually.ts';

const topics = createTopics();

export interface Place {
  address: string;
  port: number;
}

export interface Ears {
  /** Where the car's newest session with an operator can be reached, as far as it has said so. */
  places(operator: string): Place[];
  /** Is told when there are more of anybody's. */
  onPlace(listener: (place: Place, operator: string) => void): () => void;
  /** How often the car has come since. */
  epochs(): number;
  /** Resolves when something is known of an operator's. */
  known(operator: string): Promise<Place[]>;
}

/** The UDP ones of text with candidates in it (RFC 8839, section 5.1). */
export const placesIn = (text: string): Place[] =>
  [...text.matchAll(/candidate:\S+ \d+ udp \d+ (\S+) (\d+) typ/gi)].map(([, address = '', port]) => ({
    address,
    port: Number(port),
  }));

interface Heard {
  session: string;
  places: Map<string, Place>;
}

/** @param monitor who may hear everything in the room */
export async function listenToCar(monitor: MqttClient, car: string): Promise<Ears> {
  const sessions = new Map<string, Heard>();
  const epochs = new Set<number>();
  const watchers = new Set<() => void>();
  const listeners = new Set<(place: Place, operator: string) => void>();
  monitor.on('message', (name, payload) => {
    const topic = topics.parse(name);
    if (topic?.room !== car || payload.length === 0) return;
    const message = JSON.parse(payload.toString());
    if (topic.kind === 'presence' && topic.peer === car) epochs.add(message.epoch);
    if ((topic.kind !== 'ice' && topic.kind !== 'sdp') || topic.from !== car) return;
    const before = sessions.get(topic.to);
    const fresh: Heard = { session: message.session, places: new Map() };
    const now = before && before.session === message.session ? before : fresh;
    sessions.set(topic.to, now);
    for (const place of placesIn(payload.toString().replaceAll('\\r\\n', '\n'))) {
      const text = `${place.address} ${place.port}`;
      if (now.places.has(text)) continue;
      now.places.set(text, place);
      for (const listener of listeners) listener(place, topic.to);
    }
    for (const watcher of [...watchers]) watcher();
  });
  const filter = `${topics.root}/${car}/+/${car}/+`;
  await monitor.subscribeAsync([filter, topics.presence(car, car)], { qos: 1 });
  const places = (operator: string) => [...(sessions.get(operator)?.places.values() ?? [])];
  return {
    places,
    epochs: () => epochs.size,
    onPlace(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    known: (operator) =>
      eventually(
        watchers,
        () => (places(operator).length > 0 ? places(operator) : undefined),
        () => `the car says no candidate to ${operator}`,
      ),
  };
}
