/** What one client lays claim to by naming it: topics, subscriptions, rooms. Pure; clients are any objects. */
import type { Limits, Refusal } from './limits.ts';

type ClaimLimits = Pick<Limits, 'topicBytes' | 'topicLevels' | 'subscriptions' | 'rooms'>;

export interface Claims {
  /** Null when the client may publish there. */
  publish(client: object, topic: string): Refusal | null;
  /** Null when the client may subscribe; it counts as subscribed then. */
  subscribe(client: object, filter: string): Refusal | null;
  unsubscribe(client: object, filter: string): void;
}

interface Held {
  filters: Set<string>;
  rooms: Set<string>;
}

/** @param root MQTT topic root; the level after it is the room */
export function createClaims(limits: ClaimLimits, root: string): Claims {
  const clients = new WeakMap<object, Held>();
  const mostLevels = limits.topicLevels + root.split('/').length - 1;
  const heldBy = (client: object): Held => {
    const held = clients.get(client) ?? { filters: new Set(), rooms: new Set() };
    clients.set(client, held);
    return held;
  };

  function topicRefusal(topic: string): Refusal | null {
    const bytes = Buffer.byteLength(topic);
    if (bytes > limits.topicBytes) return { limit: 'topicBytes', reason: `a topic of ${bytes} bytes` };
    let levels = 1;
    for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels += 1;
    if (levels > mostLevels) return { limit: 'topicLevels', reason: `a topic of ${levels} levels` };
    return null;
  }

  /** The room that is named; null for none, and for all of them. */
  function roomOf(topic: string): string | null {
    if (!topic.startsWith(`${root}/`)) return null;
    const end = topic.indexOf('/', root.length + 1);
    const room = topic.slice(root.length + 1, end === -1 ? undefined : end);
    return room === '+' || room === '#' ? null : room;
  }

  function roomRefusal({ rooms }: Held, topic: string): Refusal | null {
    const room = roomOf(topic);
    if (room === null || rooms.has(room)) return null;
    if (rooms.size >= limits.rooms) return { limit: 'rooms', reason: `more than ${limits.rooms} rooms` };
    rooms.add(room);
    return null;
  }

  return {
    publish: (client, topic) => topicRefusal(topic) ?? roomRefusal(heldBy(client), topic),
    subscribe(client, filter) {
      const held = heldBy(client);
      const { filters } = held;
      if (filters.has(filter)) return null;
      if (filters.size >= limits.subscriptions) {
        return { limit: 'subscriptions', reason: `more than ${limits.subscriptions} subscriptions` };
      }
      const refusal = topicRefusal(filter) ?? roomRefusal(held, filter);
      if (!refusal) filters.add(filter);
      return refusal;
    },
    unsubscribe(client, filter) {
      clients.get(client)?.filters.delete(filter);
    },
  };
}
