/**
 * A sender and a path with a bottleneck, simulated in steps of half a millisecond: pictures of the size that
 * the sender allows, a drop-tail queue in front of a rate, a delay, random loss both ways, and a receiver that
 * reports and asks for what is missing as a browser does.
 */
import type { Report } from '../../vehicle/rate/flight.ts';
import { createStream, type Outgoing } from '../../vehicle/rate/stream.ts';

const STEP_MS = 0.5;
const TICK_MS = 2;
const FPS = 30;
const PAYLOAD = 1_200;
const OVERHEAD = 66;
/** A key frame is so many pictures' worth. */
const KEY_FRAME = 2;
/** As browsers do while they know no round trip, ms. */
const NACK_AGAIN_MS = 100;
const NUMBERS = 65_536;

export interface Path {
  kbps: number;
  /** Each way, 0…1. */
  loss?: number;
  /** One way, ms. */
  delayMs?: number;
  queueMs?: number;
  /** Nothing passes. */
  cut?: boolean;
}

export interface World {
  path(at: number): Path;
  seconds: number;
  /** kbit/s */
  ceiling?: number;
  seed?: number;
  /** The receiver reports by itself, this often, ms; 0: never; otherwise when it is asked to. */
  reportsEveryMs?: number;
  /** How long each end may be kept from running at a time, ms, ten times a second. */
  stallMs?: number;
  /** A scene that needs no more than this, kbit/s. */
  plainKbps?: number;
  /** When the sender hears of the viewer by other means, ms. */
  heardAt?: number;
}

export interface Run {
  /** When each could be shown, and how old it was then, ms. */
  pictures: { at: number; age: number }[];
  /** Each 100 ms: the rate for the encoder and what arrived, kbit/s. */
  samples: { at: number; allowed: number; arrived: number }[];
  /** Longest time that the queue was at least 90 % full, ms. */
  longestFullMs: number;
  keyFrames: number;
}

export function simulate({
  path,
  seconds,
  ceiling = 4_000,
  seed = 1,
  reportsEveryMs,
  stallMs = 0,
  heardAt,
  plainKbps = Number.POSITIVE_INFINITY,
}: World): Run {
  const random = randomFrom(seed);
  const run: Run = { pictures: [], samples: [], longestFullMs: 0, keyFrames: 0 };
  let now = 0;
  let keyFrameWanted = true;
  let filmed = 0;
  const taken: { at: number; packets: number; key: boolean }[] = [];

  const stream = createStream({
    ceiling,
    reports: true,
    transmit: (packet) => enqueue(packet),
    keyFrameWanted: () => {
      keyFrameWanted = true;
    },
  });

  function film(): void {
    const key = keyFrameWanted;
    keyFrameWanted = false;
    if (key) run.keyFrames++;
    const size =
      (Math.min(stream.kbps, plainKbps) / 8 / (FPS / 1000)) * (0.75 + random() * 0.5) * (key ? KEY_FRAME : 1);
    const count = Math.ceil(size / PAYLOAD);
    const timestamp = filmed++;
    taken[timestamp] = { at: now, packets: count, key };
    const payload = Buffer.alloc(Math.round(size / count));
    const packet = (n: number) => ({ timestamp, key, payload, marker: n === count - 1 });
    stream.picture(
      Array.from({ length: count }, (_, n) => packet(n)),
      now,
    );
  }

  // There: the bottleneck, then the delay.
  const queue: Outgoing[] = [];
  const bytesOf = ({ packet }: Outgoing) => packet.payload.length + OVERHEAD;
  let queued = 0;
  let passedAt = 0;
  let fullSince: number | null = null;
  const there = line<Outgoing>();
  const back = line<() => void>();

  function enqueue(packet: Outgoing): void {
    const { kbps, queueMs = 500, cut } = path(now);
    const bytes = bytesOf(packet);
    if (cut || (queue.length > 0 && ((queued + bytes) * 8) / kbps > queueMs)) return;
    if (queue.length === 0) passedAt = now + (bytes * 8) / kbps;
    queue.push(packet);
    queued += bytes;
  }

  function serve(): void {
    const { kbps, delayMs = 25, loss = 0, queueMs = 500, cut } = path(now);
    for (let first = queue[0]; first && passedAt <= now; first = queue[0]) {
      queue.shift();
      queued -= bytesOf(first);
      if (!cut && random() >= loss) there.send(first, passedAt + delayMs);
      if (queue[0]) passedAt += (bytesOf(queue[0]) * 8) / kbps;
    }
    if ((queued * 8) / kbps < 0.9 * queueMs) fullSince = null;
    else fullSince ??= now;
    if (fullSince !== null) run.longestFullMs = Math.max(run.longestFullMs, now - fullSince);
  }

  function sendBack(what: () => void): void {
    const { delayMs = 25, loss = 0, cut } = path(now);
    if (!cut && random() >= loss) back.send(what, now + delayMs);
  }

  // The receiver
  const arrivedAt = new Map<number, number>();
  const parts = new Map<number, Set<number>>();
  const missing = new Map<number, number>();
  let arrivedBytes = 0;
  let lastNumber = -1;
  let lastSequence = -1;
  let lastReported = -1;
  let shown = 0;

  function receive(packet: Outgoing, at: number): void {
    const { sequence, timestamp } = packet.packet;
    arrivedBytes += bytesOf(packet);
    const number = lastNumber < 0 ? packet.number : continued(packet.number, lastNumber);
    lastNumber = Math.max(lastNumber, number);
    arrivedAt.set(number, arrivedAt.get(number) ?? at);
    if (reportsEveryMs === undefined && packet.reportOf > 0) report(number - packet.reportOf + 1, number);
    const full = lastSequence < 0 ? sequence : continued(sequence, lastSequence);
    missing.delete(full);
    for (let each = lastSequence + 1; lastSequence >= 0 && each < full; each++) missing.set(each, 0);
    lastSequence = Math.max(lastSequence, full);
    parts.set(timestamp, (parts.get(timestamp) ?? new Set()).add(sequence));
    show(at);
  }

  /** Pictures that are whole, in order; after a key frame it doesn't matter what came before. */
  function show(at: number): void {
    const whole = (n: number) => taken[n] !== undefined && parts.get(n)?.size === taken[n].packets;
    for (const [n, { key }] of taken.slice(shown).entries()) if (key && whole(shown + n)) shown += n;
    for (; whole(shown); shown++) run.pictures.push({ at, age: at - (taken[shown]?.at ?? 0) });
  }

  function report(from: number, to: number): void {
    const reports: Report[] = [];
    for (let each = from; each <= to; each++) {
      const at = arrivedAt.get(each);
      // In units of 250 µs, on a clock of its own.
      const there = at === undefined ? null : Math.round((at + 5_000) * 4) / 4;
      reports.push({ number: (each + NUMBERS) % NUMBERS, arrivedAt: there });
    }
    lastReported = to;
    sendBack(() => stream.report(reports, now));
  }

  function askForMissing(): void {
    const wanted = [...missing].flatMap(([sequence, again]) => (again <= now ? sequence : []));
    for (const sequence of wanted) missing.set(sequence, now + NACK_AGAIN_MS);
    const sequences = wanted.map((sequence) => sequence % NUMBERS);
    if (wanted.length > 0) sendBack(() => stream.missing(sequences, now));
  }

  const stalledUntil = { sender: 0, receiver: 0 };
  function runs(end: 'sender' | 'receiver'): boolean {
    if (random() < STEP_MS / 100) stalledUntil[end] = now + random() * stallMs;
    return now >= stalledUntil[end];
  }
  const every = (ms: number) => now % ms < STEP_MS;

  for (now = 0; now < seconds * 1000; now += STEP_MS) {
    serve();
    if (runs('receiver')) {
      // A process that stood still takes what has come for just arrived.
      there.arrived(now, (packet, at) => receive(packet, stallMs > 0 ? now : at));
      askForMissing();
    }
    if (reportsEveryMs && every(reportsEveryMs) && lastNumber > lastReported)
      report(lastReported + 1, lastNumber);
    if (runs('sender')) {
      back.arrived(now, (take) => take());
      if (every(TICK_MS)) stream.tick(now);
      if (now === heardAt) stream.resumed(now);
    }
    if (every(1000 / FPS) && !stream.holding) film();
    if (every(100)) {
      run.samples.push({ at: now, allowed: stream.kbps, arrived: (arrivedBytes * 8) / 100 });
      arrivedBytes = 0;
    }
  }
  return run;
}

/** What is under way arrives in order. */
function line<T>() {
  let flying: { what: T; at: number }[] = [];
  return {
    send(what: T, at: number): void {
      flying.push({ what, at });
    },
    arrived(now: number, take: (what: T, at: number) => void): void {
      const due = flying.filter(({ at }) => at <= now);
      flying = flying.filter(({ at }) => at > now);
      for (const { what, at } of due) take(what, at);
    },
  };
}

/** A 16-bit number that goes on from the last one. */
function continued(number: number, last: number): number {
  return last + ((((number - last) % NUMBERS) + NUMBERS + NUMBERS / 2) % NUMBERS) - NUMBERS / 2;
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Longest time between pictures from one time to another, ms. */
export function longestGap({ pictures }: Run, from: number, to: number): number {
  const times = [from, ...pictures.map(({ at }) => at).filter((at) => at > from && at < to), to];
  return Math.max(...times.slice(1).map((at, n) => at - (times[n] as number)));
}

/** What arrived from one time to another, kbit/s. */
export function arrivedKbps({ samples }: Run, from: number, to: number): number {
  const some = samples.filter(({ at }) => at > from && at <= to);
  return some.reduce((sum, { arrived }) => sum + arrived, 0) / some.length;
}
