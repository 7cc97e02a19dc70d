/**
 * How long packets wait in queues on their way, and what the narrowest place carries, from when packets were
 * sent and when they arrived. The two clocks need not agree: the quickest packet of the last while is taken
 * for one that did not wait.
 */
import { createLateness } from './lateness.ts';

/** One picture's packets make a queue of their own that is gone with the next; a longer one stands, ms. */
const STANDING_MS = 50;
/** A wait that all packets of this time have had is not one picture's, if it is long, ms. */
const LATEST_MS = 15;
/** Times are no better than that, ms. */
const NOISE_MS = 1;
/** The narrowest place is judged by the packets that queued in this time, on the receiver's clock, ms. */
const CAPACITY_MS = 400;
/** And by not fewer than this; less says nothing. */
const LEAST_QUEUED = 5;
/** Nothing older counts, ms. */
const MEMORY_MS = 1_000;

interface Packet {
  /** Known since, ms on this clock. */
  at: number;
  arrivedAt: number;
  bytes: number;
  /** ms */
  wait: number;
  /** After the packet before it, ms; null when it did not queue behind that one. */
  behind: number | null;
}

export type QueueDelay = ReturnType<typeof createQueueDelay>;

export function createQueueDelay() {
  let lateness = createLateness();
  let seen: Packet[] = [];

  /** Of the last packets, as long as they are in time: asked with every report. */
  function leastWait(since: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let last = seen.length - 1; last >= 0; last--) {
      const { at, wait } = seen[last] as Packet;
      if (at < since) break;
      least = Math.min(least, wait);
    }
    return Number.isFinite(least) ? least : 0;
  }

  return {
    /** One packet, its times in ms on the clock of either end; `now` when that became known. */
    add(sentAt: number, arrivedAt: number, bytes: number, now: number): void {
      const wait = lateness(sentAt, arrivedAt);
      const gap = arrivedAt - (seen.at(-1)?.arrivedAt ?? Number.NEGATIVE_INFINITY);
      // It came to the queue before the one ahead had left: the gap is how long itself took to pass.
      const behind = gap >= 0 && wait >= gap + NOISE_MS ? gap : null;
      seen.push({ at: now, arrivedAt, bytes, wait, behind });
      const oldest = seen[0] as Packet;
      if (oldest.arrivedAt < arrivedAt - 1.2 * MEMORY_MS) {
        seen = seen.filter((packet) => packet.arrivedAt >= arrivedAt - MEMORY_MS);
      }
    },
    /** The shortest wait of the last {@link STANDING_MS}: what every packet meets, ms. */
    standing: (now: number) => leastWait(now - STANDING_MS),
    /** The shortest wait of what was reported last, ms. */
    latest: (now: number) => leastWait(now - LATEST_MS),
    /** What passes the narrowest place; infinite while nothing queues there, kbit/s. */
    capacity(ms = CAPACITY_MS): number {
      const last = seen.at(-1)?.arrivedAt ?? 0;
      let [bytes, time, count] = [0, 0, 0];
      for (let each = seen.length - 1; each >= 0; each--) {
        const packet = seen[each] as Packet;
        if (packet.arrivedAt <= last - ms && count >= LEAST_QUEUED) break;
        if (packet.behind === null) continue;
        bytes += packet.bytes;
        time += packet.behind;
        count++;
      }
      return count < LEAST_QUEUED ? Number.POSITIVE_INFINITY : (bytes * 8) / Math.max(time, 0.1);
    },
    /** What arrived in the last while, kbit/s. */
    arriving(ms: number): number {
      const last = seen.at(-1)?.arrivedAt ?? 0;
      let bytes = 0;
      for (const packet of seen) if (packet.arrivedAt > last - ms) bytes += packet.bytes;
      return (bytes * 8) / ms;
    },
    /** What was measured while little was sent says little. */
    forgetCapacity(): void {
      seen = seen.map((packet) => ({ ...packet, behind: null }));
    },
    /** Another path: what was quickest on the old one says nothing about it. */
    forget(): void {
      lateness = createLateness();
      seen = [];
    },
  };
}
