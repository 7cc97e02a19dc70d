/** What a receiver misses is sent again: which packets, and when. Pure. */
import type { Sent } from './flight.ts';

/** What can't be shown in time any more is not sent again, ms. */
const TOO_OLD_MS = 1_200;
/** Kept for sending again: more than {@link TOO_OLD_MS} of packets at 6 Mbit/s. */
const HISTORY = 1024;
/** From this much loss on, what is sent again is sent twice, and each picture's last packet too. */
const LOSSY = 0.01;
/** Between the two, so that one gap doesn't take both, ms. */
const TWICE_AFTER_MS = 8;

/** A packet of media. */
export interface MediaPacket {
  /** 0…65,535, without gaps. */
  sequence: number;
  /** 1/90,000 s, modulo 2^32. */
  timestamp: number;
  /** Last of its picture. */
  marker: boolean;
  /** Of a key frame. */
  key: boolean;
  payload: Buffer;
}

/** A packet that was sent, as often as it had to be. */
export interface Kept {
  packet: MediaPacket;
  /** When it was sent first and last, ms. */
  firstAt: number;
  lastAt: number;
  arrived: boolean;
}

export type Repair = ReturnType<typeof createRepair>;

/** @param beyondRepair a packet is missing that it is too late for */
export function createRepair(beyondRepair: () => void) {
  const history: (Kept | undefined)[] = Array(HISTORY);
  let waiting: { kept: Kept; due: number }[] = [];

  function sendAgain(kept: Kept, loss: number, now: number): void {
    if (history[kept.packet.sequence % HISTORY] !== kept || kept.arrived) return;
    if (waiting.some((each) => each.kept === kept)) return;
    if (now - kept.firstAt > TOO_OLD_MS) return beyondRepair();
    waiting.push({ kept, due: now });
    if (loss > LOSSY) waiting.push({ kept, due: now + TWICE_AFTER_MS });
  }

  return {
    /** What is to be sent again, now or soon. */
    get waiting(): MediaPacket[] {
      return waiting.map(({ kept }) => kept.packet);
    },
    /** A packet leaves for the first time. @param loss part of the packets that get lost, 0…1 */
    sent(packet: MediaPacket, loss: number, now: number): Kept {
      const kept = { packet, firstAt: now, lastAt: now, arrived: false };
      history[packet.sequence % HISTORY] = kept;
      // A picture's last packet has none behind it that would show its loss.
      if (packet.marker && loss > LOSSY) waiting.push({ kept, due: now + TWICE_AFTER_MS });
      return kept;
    },
    /** Reports show that these got lost. */
    lost(packets: readonly Sent<Kept>[], loss: number, now: number): void {
      // Of several copies only the last one's loss counts.
      for (const { item, sentAt } of packets) if (item.lastAt === sentAt) sendAgain(item, loss, now);
    },
    /**
     * The receiver asks for these sequence numbers (NACK, RFC 4585).
     * @param onItsWayMs what was sent less than so long ago can't have arrived yet, ms
     */
    missing(sequences: readonly number[], onItsWayMs: number, loss: number, now: number): void {
      for (const sequence of sequences) {
        const kept = history[sequence % HISTORY];
        if (kept?.packet.sequence === sequence && now - kept.lastAt >= onItsWayMs) sendAgain(kept, loss, now);
      }
    },
    /** What is to be sent again now, without taking it. */
    next(now: number): Kept | undefined {
      waiting = waiting.filter(({ kept }) => !kept.arrived);
      return waiting.find(({ due }) => due <= now)?.kept;
    },
    /** It leaves. */
    sentAgain(kept: Kept, now: number): void {
      kept.lastAt = now;
      waiting.splice(
        waiting.findIndex((each) => each.kept === kept),
        1,
      );
    },
    /** What was sent is not needed any more: a key frame follows. */
    forget(): void {
      waiting = [];
      history.fill(undefined);
    },
  };
}
