/**
 * One viewer's video between the encoder and the network: pictures come in, packets go out when the path
 * has room for them, lost ones go out again. Pure: the clock and the network are the caller's.
 */
import { createCongestion } from './congestion.ts';
import { createFlight, type Report } from './flight.ts';
import { createRepair, type Kept, type MediaPacket } from './repair.ts';

/** UDP and IPv4 around RTP, its extensions and SRTP's tag: what a packet is on the wire beside its payload. */
const OVERHEAD = 20 + 8 + 12 + 16 + 10;
/** A new path is trusted with this much at once, as in RFC 6928. */
const FIRST_BURST = 14_000;
/** Timers are no finer than that, ms. */
const TICK_MS = 2;
/** A report is asked for at least so often while packets leave, ms, and for so many packets. */
const REPORT_EVERY_MS = 10;
const REPORT_EVERY = 4;
/** No picture is taken while what waits takes longer than that to leave, ms. */
const HOLD_MS = 12;
/**
 * When what waits would take longer than this to leave, it is thrown away up to the next key frame: after
 * the path got narrow, and for a viewer whose path is slower than the one that the encoder follows, ms.
 */
const DROP_MS = 150;
/** Each costs the others several pictures' worth, ms. */
const KEY_FRAMES_MS = 1_500;
/** Without a report for so long, or a quarter of the silence, a packet is let through to find out, ms. */
const PROBE_MS = 60;
/** After that much silence the viewer starts afresh with a key frame, ms. */
const INTERRUPTION_MS = 600;
/** A receiver that has reported nothing for so long after the first packet never will, ms. */
const NO_REPORTS_MS = 1_000;
/** A packet that nothing was heard of for so long is not on its way any more, ms. */
const GIVE_UP_MS = 2_000;

export type UnsentPacket = Omit<MediaPacket, 'sequence'>;

/** A packet as it leaves. */
export interface Outgoing {
  packet: MediaPacket;
  again: boolean;
  /** Transport-wide number, 0…65,535. */
  number: number;
  /** The receiver shall report this many last numbers; 0: no report. */
  reportOf: number;
}

export interface StreamOptions {
  /** kbit/s */
  ceiling: number;
  /** Reports will come; without them there is nothing to go by, and everything is sent at once. */
  reports: boolean;
  transmit(outgoing: Outgoing): void;
  /** The next picture must be a key frame. */
  keyFrameWanted(): void;
}

export type Stream = ReturnType<typeof createStream>;

export function createStream(options: StreamOptions) {
  const congestion = createCongestion(options.ceiling);
  const flight = createFlight<Kept>();
  /** When now is, for what is called from within. */
  let clock = 0;
  const repair = createRepair(() => askForKeyFrame(clock));
  let waiting: UnsentPacket[] = [];
  let sequence = 0;
  /** What left last ended a picture. */
  let between = true;
  /** When the next packet may leave for the pace's sake, ms. */
  let paceAt = Number.NEGATIVE_INFINITY;
  let burst = FIRST_BURST;
  let firstAt = Number.POSITIVE_INFINITY;
  let reportedAt: number | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let unasked = 0;
  let probedAt = Number.NEGATIVE_INFINITY;
  let keyFrameAskedAt = Number.NEGATIVE_INFINITY;
  /** Pictures are left out until the next key frame. */
  let dropping = false;

  const sizeOf = ({ payload }: UnsentPacket) => payload.length + OVERHEAD;
  /** How long packets take to leave, ms. */
  const leavingMs = (packets: readonly UnsentPacket[]) =>
    packets.reduce((sum, packet) => sum + sizeOf(packet), 0) / (congestion.pace / 8);

  function askForKeyFrame(now: number): boolean {
    if (now - keyFrameAskedAt < KEY_FRAMES_MS) return false;
    keyFrameAskedAt = now;
    options.keyFrameWanted();
    return true;
  }

  /** A smaller, newer picture is there sooner than pictures that wait; but one that has begun to leave goes on. */
  function dropStale(now: number): void {
    if (leavingMs(repair.waiting) > DROP_MS) return startAfresh(now);
    const begun = between ? 0 : waiting.findIndex(({ marker }) => marker) + 1;
    if (waiting[begun]?.key !== false || leavingMs(waiting) <= DROP_MS || !askForKeyFrame(now)) return;
    waiting = waiting.slice(0, begun);
    dropping = true;
  }

  /** Nothing before the next key frame matters. */
  function startAfresh(now: number): void {
    if (!askForKeyFrame(now)) return;
    repair.forget();
    waiting = [];
    between = true;
    dropping = true;
  }

  function interrupted(now: number): void {
    congestion.interrupted();
    flight.expire(now);
    startAfresh(now);
  }

  /** Whether there are reports to go by. */
  function guided(now: number): boolean {
    return options.reports && (reportedAt !== null || now - firstAt < NO_REPORTS_MS);
  }

  function hasRoom(packet: UnsentPacket, now: number): boolean {
    if (paceAt > now) return false;
    if (flight.bytes + sizeOf(packet) <= congestion.window) return true;
    const since = reportedAt ?? firstAt;
    const silence = now - Math.max(since, flight.oldestAt);
    if (now - Math.max(probedAt, since) < Math.max(PROBE_MS, silence / 4)) return false;
    probedAt = now;
    return true;
  }

  function leave(kept: Kept, again: boolean, now: number): void {
    const { packet } = kept;
    const size = sizeOf(packet);
    firstAt = Math.min(firstAt, now);
    const number = flight.send(kept, size, now);
    unasked++;
    const ask = packet.marker || again || unasked >= REPORT_EVERY || now - askedAt >= REPORT_EVERY_MS;
    if (ask) {
      askedAt = now;
      unasked = 0;
    }
    if (burst > 0) burst -= size;
    else paceAt = Math.max(paceAt, now - TICK_MS) + size / (congestion.pace / 8);
    options.transmit({ packet, again, number, reportOf: ask ? flight.unreported : 0 });
  }

  /** Sends what may leave, first what is sent again. */
  function sendWhatMay(now: number): void {
    flight.expire(now - GIVE_UP_MS);
    while (true) {
      const missing = repair.next(now);
      const packet = missing?.packet ?? waiting[0];
      if (!packet || (guided(now) && !hasRoom(packet, now))) return;
      if (missing) repair.sentAgain(missing, now);
      else waiting.shift();
      leave(
        missing ?? repair.sent({ ...packet, sequence }, congestion.loss, now),
        missing !== undefined,
        now,
      );
      if (missing) continue;
      sequence = (sequence + 1) & 0xffff;
      between = packet.marker;
    }
  }

  return {
    /** For the encoder, kbit/s. */
    get kbps(): number {
      return congestion.kbps;
    },
    /** Whether a report has ever come. */
    get reported(): boolean {
      return reportedAt !== null;
    },
    /** No picture should be taken now: it would only wait. */
    get holding(): boolean {
      return leavingMs(waiting) > HOLD_MS;
    },
    setCeiling: (kbps: number) => congestion.setCeiling(kbps),
    /** What the receiver says that it can take, kbit/s; counts where there are no reports. */
    estimate(kbps: number): void {
      if (reportedAt === null) congestion.follow(kbps);
    },
    /** A picture comes from the encoder. */
    picture(packets: readonly UnsentPacket[], now: number): void {
      clock = now;
      const isKey = packets[0]?.key === true;
      if (isKey) dropping = false;
      if (dropping) askForKeyFrame(now);
      else waiting.push(...packets);
      dropStale(now);
      sendWhatMay(now);
    },
    /** The receiver's report of packets. */
    report(reports: readonly Report[], now: number): void {
      clock = now;
      const silentSince = Math.max(reportedAt ?? now, flight.oldestAt);
      const { arrived, lost } = flight.take(reports);
      for (const { item } of arrived) item.arrived = true;
      reportedAt = now;
      if (now - silentSince > INTERRUPTION_MS && arrived.length > 0) return interrupted(now);
      congestion.report(arrived, lost.length, now);
      repair.lost(lost, congestion.loss, now);
      dropStale(now);
      sendWhatMay(now);
    },
    /** The viewer is heard again, on another channel, and would not be asked by this one for up to a second. */
    resumed(now: number): void {
      clock = now;
      if (now - (reportedAt ?? now) > INTERRUPTION_MS) interrupted(now);
    },
    /** The receiver misses packets of these sequence numbers (NACK, RFC 4585). */
    missing(sequences: readonly number[], now: number): void {
      clock = now;
      repair.missing(sequences, guided(now) ? congestion.roundTrip : 0, congestion.loss, now);
      sendWhatMay(now);
    },
    /** Sends what may leave. @returns when to call again, ms from now; null when nothing waits */
    tick(now: number): number | null {
      clock = now;
      sendWhatMay(now);
      return waiting.length + repair.waiting.length > 0 ? TICK_MS : null;
    },
  };
}
