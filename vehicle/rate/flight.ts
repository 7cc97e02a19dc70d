/**
 * The packets that are on their way: each from being sent until the receiver has reported it.
 *
 * Packets are numbered across everything that is sent (the transport-wide sequence number of
 * draft-holmer-rmcat-transport-wide-cc-extensions-01), so that a retransmission is a packet of its own.
 */

/** Numbers on the wire have 16 bits. */
const NUMBERS = 0x1_0000;

/** What the receiver says of one packet. */
export interface Report {
  /** On the wire, 0…65,535. */
  number: number;
  /** When it arrived, ms on the receiver's clock; null when it hasn't. */
  arrivedAt: number | null;
}

export interface Sent<T> {
  item: T;
  /** With all headers up to IP. */
  bytes: number;
  /** ms on this clock. */
  sentAt: number;
}

export interface Arrived<T> extends Sent<T> {
  /** ms on the receiver's clock. */
  arrivedAt: number;
}

export type Flight<T> = ReturnType<typeof createFlight<T>>;

export function createFlight<T>() {
  const packets = new Map<number, Sent<T>>();
  let next = 0;
  /** All up to this one have been reported or given up. */
  let settled = -1;
  let bytes = 0;

  function land(number: number): Sent<T> | undefined {
    const sent = packets.get(number);
    if (!sent) return undefined;
    packets.delete(number);
    bytes -= sent.bytes;
    return sent;
  }

  return {
    /** What has not been reported yet. */
    get bytes(): number {
      return bytes;
    },
    /** When the first of them was sent, ms; infinite when there are none. */
    get oldestAt(): number {
      const first = packets.values().next();
      return first.done ? Number.POSITIVE_INFINITY : first.value.sentAt;
    },
    /** How many of the last numbers a report must cover, so that nothing stays unknown when one got lost. */
    get unreported(): number {
      return next - 1 - settled;
    },
    /** @returns the number to put on the packet */
    send(item: T, size: number, now: number): number {
      packets.set(next, { item, bytes: size, sentAt: now });
      bytes += size;
      return next++ % NUMBERS;
    },
    /** @returns what is known to have arrived now, in the order of sending, and what is lost: a later one arrived */
    take(reports: readonly Report[]): { arrived: Arrived<T>[]; lost: Sent<T>[] } {
      const arrived: Arrived<T>[] = [];
      const missing: number[] = [];
      let first = Number.POSITIVE_INFINITY;
      let last = -1;
      for (const { number, arrivedAt } of reports) {
        const full = next - ((next - number + NUMBERS) % NUMBERS);
        first = Math.min(first, full);
        if (arrivedAt === null) {
          missing.push(full);
          continue;
        }
        last = Math.max(last, full);
        const sent = land(full);
        if (sent) arrived.push({ ...sent, arrivedAt });
      }
      const lost = missing.filter((number) => number < last).flatMap((number) => land(number) ?? []);
      // A report that came by itself and got lost is not made again: what it was of stays unknown.
      for (let number = settled + 1; number < Math.min(first, last); number++) land(number);
      settled = Math.max(settled, last);
      return { arrived, lost };
    },
    /** Gives up what was sent before a time and never reported. */
    expire(before: number): Sent<T>[] {
      const lost: Sent<T>[] = [];
      for (const [number, { sentAt }] of packets) {
        if (sentAt >= before) break;
        const sent = land(number);
        if (sent) lost.push(sent);
        settled = Math.max(settled, number);
      }
      return lost;
    },
  };
}
