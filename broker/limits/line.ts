/**
 * What stands between a client's connection and Aedes, in both directions.
 *
 * In: follows packets by their fixed headers; one that is too large ends the connection before it is
 * buffered, only CONNECT is let through before the client is let in, and who sends faster than allowed is
 * read no faster, which TCP turns into slowness at the sender. Nothing that was sent is lost by that.
 *
 * Out: takes whatever Aedes writes at once. Aedes finishes with a message only when all of its writes have
 * been taken, and works on a hundred at a time, so a client that Aedes waits for holds up everybody; here it
 * never waits for any. A client that does not take what it is sent has a bounded backlog, and a bounded time.
 */
import { Duplex } from 'node:stream';
import type { Clock } from '../../shared/clock.ts';
import { type Bucket, createBucket } from './bucket.ts';
import { CONNECT, createFramer, type Header, PUBACK, PUBLISH, PUBREC, SUBSCRIBE } from './framer.ts';
import { BURST_S, LimitError, type LimitedRole, type Limits, type Refusal } from './limits.ts';

/** Retained messages are handed out while less than this waits to be sent, in bytes. */
const ROOM_BYTES = 16 * 1024;
/** How full a bucket is again when a client no longer counts as slowed. */
const RECOVERED = 0.5;
/** What a PUBLISH has beside topic and payload: their length, and the packet identifier, in bytes. */
const PUBLISH_EXTRA_BYTES = 4;
/** What a SUBSCRIBE costs, in messages: the broker looks through all retained messages for it. */
const SUBSCRIBE_COST = 10;

/** A connection, as a line uses it. */
export interface Transport {
  stream: Duplex;
  /** Bytes that were written and not yet taken by the operating system. */
  backlog(): number;
  /** Calls back when nothing has moved on the connection for so long, once or each time; 0 for never mind. */
  watchStall?: ((ms: number, onStall: () => void) => void) | undefined;
  /** Asks the other end for a sign of life, where the transport has one. */
  ping?: ((onAnswer: () => void) => void) | undefined;
  /** Tells the other end why it is closed, where the transport can. */
  farewell?: ((reason: string) => void) | undefined;
}

export interface LineOptions {
  transport: Transport;
  limits: Limits;
  clock: Clock;
  /** Told of every limit that is hit. @param closed false when the client was slowed only */
  onOver(refusal: Refusal, closed: boolean): void;
}

export interface Line {
  /** What Aedes is given. */
  stream: Duplex;
  /** The client was let in: what it sends from now on is passed on, at its role's rate. */
  open(role: LimitedRole): void;
  backlog(): number;
  /** Resolves when little waits to be sent; false when the line has ended. */
  room(): Promise<boolean>;
  /** To be called about once a second. */
  check(now: number): void;
  /** The process stood still: nobody is to blame for silence until now. */
  excuse(now: number): void;
}

interface Rates {
  messages: Bucket;
  bytes: Bucket;
}

export function createLine({ transport, limits, clock, onOver }: LineOptions): Line {
  const { stream: wire } = transport;
  const answerMs = limits.answerSeconds * 1000;

  // In.
  let role: LimitedRole | null = null;
  let rates: Rates | null = null;
  let packets = 0;
  let held: Buffer | null = null;
  let full = false;
  let ended = false;
  let slowedAt: number | null = null;
  let stopWaiting: (() => void) | null = null;
  let heardAt = clock.now();
  let pinged = false;
  const incoming = createFramer(onIncoming);

  // Out.
  let unacknowledged = 0;
  let answeredAt = 0;
  let watching = false;
  let waitingForRoom: (() => void)[] = [];
  const outgoing = createFramer(({ type, qos }) => {
    if (type !== PUBLISH || qos === 0) return;
    if (unacknowledged === 0) answeredAt = clock.now();
    unacknowledged += 1;
  });

  const stream = new Duplex({
    // Never reached, since too large a backlog ends the line: so a write is always taken.
    writableHighWaterMark: Number.MAX_SAFE_INTEGER,
    read() {
      full = false;
      pump();
    },
    writev(chunks, done) {
      send(chunks.length === 1 ? chunks[0]?.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk)));
      done();
    },
    final(done) {
      wire.end();
      done();
    },
    destroy(error, done) {
      stopWaiting?.();
      held = null;
      if (error && !wire.destroyed) transport.farewell?.(error.message);
      wire.destroy();
      giveRoom();
      done(error);
    },
  });

  function end(limit: Refusal['limit'], reason: string): void {
    if (stream.destroyed) return;
    onOver({ limit, reason }, true);
    stream.destroy(new LimitError({ limit, reason }));
  }

  function onIncoming({ type, length }: Header): void {
    const now = clock.now();
    const most =
      type === PUBLISH ? limits.messageBytes + limits.topicBytes + PUBLISH_EXTRA_BYTES : limits.controlBytes;
    packets += 1;
    if (packets === 1 && type !== CONNECT) throw new Error('the first packet is not CONNECT');
    if (length > most && role !== 'server') {
      const limit = type === PUBLISH ? 'messageBytes' : 'controlBytes';
      return end(limit, `a packet of ${length} bytes, and at most ${most} are taken`);
    }
    if (type === PUBACK || type === PUBREC) {
      unacknowledged = Math.max(0, unacknowledged - 1);
      answeredAt = now;
    } else {
      rates?.messages.take(type === SUBSCRIBE ? SUBSCRIBE_COST : 1, now);
    }
    rates?.bytes.take(length, now);
  }

  /** ms until another packet may be passed on. */
  function waitMs(): number {
    if (!role) return packets === 0 ? 0 : Number.POSITIVE_INFINITY;
    if (!rates) return 0;
    const now = clock.now();
    return Math.max(rates.messages.waitMs(now), rates.bytes.waitMs(now));
  }

  function slow(ms: number): void {
    wire.pause();
    if (ms === Number.POSITIVE_INFINITY || !rates || role === 'server' || role === null) return;
    const now = clock.now();
    const byBytes = rates.bytes.waitMs(now) > rates.messages.waitMs(now);
    const limit = byBytes ? 'bytes' : 'messages';
    const reason = `more than ${limits[limit][role]} ${limit} a second`;
    if (slowedAt === null) onOver({ limit, reason }, false);
    slowedAt ??= now;
    if (now - slowedAt > limits.slowedSeconds * 1000) {
      return end('slowedSeconds', `${reason} for ${limits.slowedSeconds} s`);
    }
    stopWaiting = clock.after(ms, () => {
      stopWaiting = null;
      pump();
    });
  }

  /** Passes on what may be passed on, up to the end of a packet or of what is there. */
  function pump(): void {
    if (stopWaiting || full || stream.destroyed) return;
    while (held && !full && !stream.destroyed) {
      const wait = incoming.between ? waitMs() : 0;
      if (wait > 0) return slow(wait);
      passOn(held);
    }
    if (stream.destroyed) return;
    if (slowedAt !== null && rates) {
      const now = clock.now();
      const level = Math.min(rates.messages.level(now), rates.bytes.level(now));
      if (level > RECOVERED) slowedAt = null;
    }
    if (!held && ended) stream.push(null);
    else if (full) wire.pause();
    else wire.resume();
  }

  function passOn(chunk: Buffer): void {
    let at = 0;
    try {
      do at = incoming.follow(chunk, at);
      while (at < chunk.length && !stream.destroyed && (!incoming.between || waitMs() === 0));
    } catch (error) {
      stream.destroy(error as Error);
    }
    if (stream.destroyed) return;
    held = at < chunk.length ? chunk.subarray(at) : null;
    full = !stream.push(chunk.subarray(0, at));
  }

  wire.on('data', (chunk: Buffer) => {
    heardAt = clock.now();
    pinged = false;
    held = held ? Buffer.concat([held, chunk]) : chunk;
    pump();
  });
  wire.on('error', (error) => stream.destroy(error));
  // What came before is still passed on.
  for (const event of ['end', 'close']) {
    wire.on(event, () => {
      ended = true;
      pump();
    });
  }

  function send(chunk: Buffer): void {
    if (wire.destroyed) return;
    for (let at = 0; at < chunk.length; ) at = outgoing.follow(chunk, at);
    wire.write(chunk, () => {
      if (waitingForRoom.length > 0 && transport.backlog() < ROOM_BYTES) giveRoom();
    });
    const backlog = transport.backlog();
    if (backlog > limits.backlogBytes) {
      end('backlogBytes', `${backlog} bytes wait for it to take them`);
    } else if (backlog > 0 && !watching) {
      // Left on, since most of what waits is gone at once.
      watching = true;
      transport.watchStall?.(limits.stalledSeconds * 1000, onStall);
    }
  }

  function onStall(): void {
    if (transport.backlog() === 0) {
      watching = false;
      transport.watchStall?.(0, onStall);
    } else
      end('stalledSeconds', `it took nothing of ${transport.backlog()} bytes for ${limits.stalledSeconds} s`);
  }

  function giveRoom(): void {
    const waiting = waitingForRoom;
    waitingForRoom = [];
    for (const go of waiting) go();
  }

  return {
    stream,
    open(as) {
      role = as;
      if (as !== 'server') {
        const now = clock.now();
        const bucket = (perSecond: number) => createBucket(perSecond, BURST_S, now);
        rates = { messages: bucket(limits.messages[as]), bytes: bucket(limits.bytes[as]) };
      }
      pump();
    },
    backlog: transport.backlog,
    async room() {
      while (!stream.destroyed && transport.backlog() >= ROOM_BYTES) {
        await new Promise<void>((resolve) => waitingForRoom.push(resolve));
      }
      return !stream.destroyed;
    },
    check(now) {
      // An answer may be among what is held back.
      if (held || full) return;
      if (unacknowledged > 0 && now - answeredAt > answerMs) {
        return end('answerSeconds', `it acknowledged nothing for ${limits.answerSeconds} s`);
      }
      if (!transport.ping) return;
      const silentMs = now - heardAt;
      if (silentMs > answerMs)
        return end('answerSeconds', `it answered nothing for ${limits.answerSeconds} s`);
      if (pinged || silentMs <= answerMs / 2) return;
      pinged = true;
      transport.ping(() => {
        heardAt = clock.now();
        pinged = false;
      });
    },
    excuse(now) {
      heardAt = Math.max(heardAt, now);
      answeredAt = Math.max(answeredAt, now);
      pinged = false;
    },
  };
}

/** How often lines are looked at, ms. */
const LOOK_MS = 1_000;

/** Looks at all lines about once a second, and closes those whose other end gives no sign of life. */
export function watchLines(clock: Clock) {
  const lines = new Set<Line>();
  let lookedAt = clock.now();
  const stop = clock.every(LOOK_MS, () => {
    const now = clock.now();
    const stoodStill = now - lookedAt > 2 * LOOK_MS;
    lookedAt = now;
    for (const line of lines) {
      if (stoodStill) line.excuse(now);
      else line.check(now);
    }
  });
  return {
    /** Until it closes. */
    add(line: Line): void {
      lines.add(line);
      line.stream.once('close', () => lines.delete(line));
    },
    close: stop,
  };
}
