/** Puts the retained messages of Aedes's storage in our hands; the rest of its storage stays as it is. */
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import { LimitError, type Refusal } from './limits.ts';
import type { RetainedStore } from './retained.ts';

/**
 * Turns of the event loop that Aedes has for each message before the next one is looked at: by then it has been
 * written, and whether there is room for the next can be seen.
 */
const TURNS_EACH = 3;

/** Of Aedes's storage, which is missing in its types: what has to do with retained messages. */
interface Persistence {
  storeRetained(packet: AedesPublishPacket & { clientId?: string }): Promise<void>;
  createRetainedStreamCombi(filters: string[]): Readable;
}

export interface RetainedHooks {
  /** Resolves when a subscriber has room for one more; false when it has gone. */
  room(client: Client): Promise<boolean>;
  /** Several that were judged at the same time, and don't fit together. */
  onRefusal(clientId: string, refusal: Refusal): void;
}

export function keepRetained(aedes: Aedes, store: RetainedStore, { room, onRefusal }: RetainedHooks): void {
  const { persistence } = aedes as unknown as { persistence: Persistence };
  let subscriber: Client | null = null;
  // Aedes says who has subscribed right before it asks, without saying for whom, what is retained.
  aedes.on('subscribe', (_subscriptions, client) => {
    subscriber = client;
  });
  persistence.createRetainedStreamCombi = (filters) => {
    const client = subscriber;
    let handed = 0;
    const roomThere = async () => {
      for (let i = 0; handed > 0 && i < TURNS_EACH; i++) await turn();
      handed += 1;
      return client !== null && room(client);
    };
    const isThere = () => client !== null && !client.closed;
    return Readable.from(store.matching(filters, roomThere, isThere), { highWaterMark: 1 });
  };
  persistence.storeRetained = async (packet) => {
    const refusal = store.refusal(packet, packet.clientId);
    if (refusal) {
      onRefusal(packet.clientId ?? '', refusal);
      throw new LimitError(refusal);
    }
    store.put(packet, packet.clientId);
  };
}
