/** QoS 0 messages that a slow client does not get, so that what it gets is recent and its backlog stays small. */
import type { AedesPublishPacket } from 'aedes';

/** Above this many unsent bytes a client gets no more QoS 0 messages. */
const MAX_BACKLOG_BYTES = 8 * 1024;
/** What a client gets of QoS 0 within one turn of the event loop, before its backlog can be known, in bytes. */
const MAX_BURST_BYTES = 256 * 1024;

export interface Backlog {
  /** Whether a message is to be left out. */
  drops(packet: AedesPublishPacket): boolean;
  /** QoS 0 messages that the client did not get. */
  dropped(): number;
}

/** @param unsent bytes that wait to be taken by the client's connection */
export function createBacklog(unsent: () => number): Backlog {
  let dropped = 0;
  /** Bytes that the client is about to be written: Aedes writes in a later turn of the event loop. */
  let promised = 0;
  return {
    drops({ qos, retain, payload, topic }) {
      // Retained messages that answer a subscription come only as fast as they are taken.
      if (qos > 0 || retain) return false;
      const size = payload.length + topic.length;
      if (unsent() > MAX_BACKLOG_BYTES || promised + size > MAX_BURST_BYTES) {
        dropped += 1;
        return true;
      }
      promised += size;
      setImmediate(() => {
        promised -= size;
      });
      return false;
    },
    dropped: () => dropped,
  };
}
