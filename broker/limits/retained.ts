/**
 * The retained messages of the broker, in place of those of Aedes's memory: counted exactly, bounded, looked
 * up by topic where a filter has no wildcards, and handed out no faster than the subscriber takes them.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { AedesPublishPacket } from 'aedes';
import type { Limits, Refusal } from './limits.ts';

/** Topics that are compared with a filter before others have their turn. */
const COMPARED_AT_ONCE = 1_000;

type RetainedLimits = Pick<Limits, 'retainedMessages' | 'retainedBytes' | 'retainedPerClient'>;
export type RetainedPacket = Pick<AedesPublishPacket, 'topic' | 'payload' | 'qos'>;

interface Entry {
  packet: AedesPublishPacket;
  bytes: number;
  owner: string | undefined;
  levels: string[];
}

export interface RetainedStore {
  /**
   * Why a message can't be kept; null when it can.
   * @param owner client id; undefined for the server's own, which always can
   * @param share of all that is kept: others have the rest to themselves
   */
  refusal(packet: RetainedPacket, owner: string | undefined, share?: number): Refusal | null;
  /** Keeps it, refused or not, or clears the topic when the payload is empty. */
  put(packet: AedesPublishPacket, owner: string | undefined): void;
  /**
   * What fits the filters, filter by filter, each message once and as it is when its turn comes.
   * @param room resolves when the subscriber has room for one more; false when it has gone
   * @param isThere whether the subscriber is
   */
  matching(
    filters: string[],
    room: () => Promise<boolean>,
    isThere?: () => boolean,
  ): AsyncGenerator<AedesPublishPacket>;
  /** Topics of what is here and fits a filter. */
  topics(filter: string): string[];
  count(): number;
  bytes(): number;
}

export function createRetainedStore(limits: RetainedLimits): RetainedStore {
  const entries = new Map<string, Entry>();
  const owned = new Map<string, number>();
  let bytes = 0;

  const sizeOf = ({ topic, payload }: RetainedPacket) =>
    Buffer.byteLength(topic) + Buffer.byteLength(payload);

  function own(owner: string | undefined, change: 1 | -1): void {
    if (owner === undefined) return;
    const count = (owned.get(owner) ?? 0) + change;
    if (count === 0) owned.delete(owner);
    else owned.set(owner, count);
  }

  function clear(topic: string): void {
    const entry = entries.get(topic);
    if (!entry) return;
    entries.delete(topic);
    bytes -= entry.bytes;
    own(entry.owner, -1);
  }

  function refusal(packet: RetainedPacket, owner: string | undefined, share = 1): Refusal | null {
    if (packet.payload.length === 0 || owner === undefined) return null;
    const old = entries.get(packet.topic);
    const size = sizeOf(packet);
    // What takes no more room than before is always kept: who is there already is not harmed by newcomers.
    if (size > (old?.bytes ?? 0) && bytes - (old?.bytes ?? 0) + size > share * limits.retainedBytes) {
      return { limit: 'retainedBytes', reason: `retained messages take ${bytes} bytes already` };
    }
    if (!old && entries.size >= share * limits.retainedMessages) {
      return { limit: 'retainedMessages', reason: `there are ${entries.size} retained messages already` };
    }
    const own = owned.get(owner) ?? 0;
    if (old?.owner !== owner && own >= limits.retainedPerClient) {
      return { limit: 'retainedPerClient', reason: `this client has ${own} retained messages already` };
    }
    return null;
  }

  return {
    refusal,
    put(packet, owner) {
      const old = entries.get(packet.topic);
      if (packet.payload.length === 0) return clear(packet.topic);
      // A copy: the payload as it came is a part of all that came with it, which would be kept too.
      const payload = Buffer.allocUnsafeSlow(Buffer.byteLength(packet.payload));
      if (typeof packet.payload === 'string') payload.write(packet.payload);
      else payload.set(packet.payload);
      const size = sizeOf(packet);
      // In place, so that who is being handed the messages meets each topic once.
      entries.set(packet.topic, {
        packet: { ...packet, payload },
        bytes: size,
        owner,
        levels: packet.topic.split('/'),
      });
      bytes += size - (old?.bytes ?? 0);
      own(old?.owner, -1);
      own(owner, 1);
    },
    async *matching(filters, room, isThere = () => true) {
      const given = new Set<string>();
      let compared = 0;
      for (const filter of filters) {
        const wanted = filter.split('/');
        const fits = /[+#]/.test(filter)
          ? (topic: string) => levelsMatch(wanted, entries.get(topic)?.levels ?? [])
          : null;
        for (const topic of fits ? entries.keys() : [filter]) {
          compared += 1;
          if (compared % COMPARED_AT_ONCE === 0) {
            await turn();
            if (!isThere()) return;
          }
          if (given.has(topic) || (fits && !fits(topic)) || !entries.has(topic)) continue;
          if (!(await room())) return;
          const packet = entries.get(topic)?.packet;
          if (!packet) continue;
          given.add(topic);
          yield packet;
        }
      }
    },
    topics: (filter) => [...entries.keys()].filter((topic) => matches(filter, topic)),
    count: () => entries.size,
    bytes: () => bytes,
  };
}

/** Whether a filter fits a topic (MQTT 3.1.1, 4.7). */
export const matches = (filter: string, topic: string): boolean =>
  levelsMatch(filter.split('/'), topic.split('/'));

function levelsMatch(wanted: string[], levels: string[]): boolean {
  // [MQTT-4.7.2-1]
  if (levels[0]?.startsWith('$') && !wanted[0]?.startsWith('$')) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true;
    if (i >= levels.length) return false;
    if (level !== '+' && level !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}
