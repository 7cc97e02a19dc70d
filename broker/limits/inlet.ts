/**
 * What comes in on a client's line: passed on packet by packet, no faster than the client may send. The stream is
 * the line's; this decides when it is read.
 */

import { type Bucket, createBucket } from '../../shared/bucket.ts';
import type { Clock } from '../../shared/clock.ts';
import { CONNECT, createFramer, type Header, PUBACK, PUBLISH, PUBREC, SUBSCRIBE } from './framer.ts';
import { BURST_S, type LimitedRole, type Limits, type Refusal } from './limits.ts';

/** How full a bucket is again when a client no longer counts as slowed. */
const RECOVERED = 0.5;
/** What a PUBLISH has beside topic and payload: their length, and the packet identifier, in bytes. */
const PUBLISH_EXTRA_BYTES = 4;
/** What a SUBSCRIBE costs, in messages: the broker looks through all retained messages for each filter. */
const SUBSCRIBE_COST = 10;
/** So many bytes of one cost one message more. */
const SUBSCRIBE_BYTES = 16;
/** Of a packet, at least, bytes. */
const FIXED_HEADER = 2;

export interface InletOptions {
  limits: Limits;
  clock: Clock;
  /** Takes what is passed on, and null at the end. @returns whether there is room for more */
  push(chunk: Buffer | null): boolean;
  /** Stops reading from the connection, or goes on. */
  read(on: boolean): void;
  /** The client acknowledged a message. @returns whether there was one to acknowledge */
  onAcknowledged(): boolean;
  onSlowed(refusal: Refusal): void;
  /** Ends the connection. */
  end(refusal: Refusal): void;
  fail(error: Error): void;
}

export interface Inlet {
  /** Something came on the connection. */
  take(chunk: Buffer): void;
  /** Nothing will come any more. */
  finish(): void;
  /** There is room for more again. */
  resume(): void;
  /** The client was let in: what it sends from now on is passed on, at its role's rate. */
  open(role: LimitedRole): void;
  /** Whether something has come that was not passed on. */
  holding(): boolean;
  /** Passes nothing on any more. */
  close(): void;
}

const costOf = (type: number, length: number): number =>
  type === SUBSCRIBE ? SUBSCRIBE_COST + length / SUBSCRIBE_BYTES : 1;

export function createInlet(options: InletOptions): Inlet {
  const { limits, clock, push, read } = options;
  let role: LimitedRole | null = null;
  let rates: { messages: Bucket; bytes: Bucket } | null = null;
  let packets = 0;
  let held: Buffer | null = null;
  let full = false;
  let finished = false;
  let closed = false;
  let slowedAt: number | null = null;
  let stopWaiting: (() => void) | null = null;
  const framer = createFramer(onHeader);

  function onHeader({ type, length }: Header): void {
    const now = clock.now();
    packets += 1;
    if (packets === 1 && type !== CONNECT) return options.fail(new Error('the first packet is not CONNECT'));
    const ofMessage = limits.messageBytes + limits.topicBytes + PUBLISH_EXTRA_BYTES;
    const most = type === PUBLISH ? ofMessage : limits.controlBytes;
    if (length > most && role !== 'server') {
      const reason = `a packet of ${length} bytes, and at most ${most} are taken`;
      return options.end({ limit: type === PUBLISH ? 'messageBytes' : 'controlBytes', reason });
    }
    // How many messages a client has to acknowledge is not its doing.
    const owed = (type === PUBACK || type === PUBREC) && options.onAcknowledged();
    if (!owed) rates?.messages.take(costOf(type, length), now);
    rates?.bytes.take(length + FIXED_HEADER, now);
  }

  /** ms until another packet may be passed on. */
  function waitMs(): number {
    if (!role) return packets === 0 ? 0 : Number.POSITIVE_INFINITY;
    if (!rates) return 0;
    const now = clock.now();
    return Math.max(rates.messages.waitMs(now), rates.bytes.waitMs(now));
  }

  function wait(ms: number): void {
    read(false);
    // Until it is let in.
    if (!rates || !role || role === 'server') return;
    const now = clock.now();
    const limit = rates.bytes.waitMs(now) > rates.messages.waitMs(now) ? 'bytes' : 'messages';
    const reason = `more than ${limits[limit][role]} ${limit} a second`;
    if (slowedAt === null) options.onSlowed({ limit, reason });
    slowedAt ??= now;
    if (now - slowedAt > limits.slowedSeconds * 1000) {
      return options.end({ limit: 'slowedSeconds', reason: `${reason} for ${limits.slowedSeconds} s` });
    }
    stopWaiting = clock.after(ms, () => {
      stopWaiting = null;
      pump();
    });
  }

  /** Passes on what may be passed on now. */
  function pump(): void {
    if (stopWaiting || full) return;
    while (held && !full && !closed) {
      const ms = framer.between ? waitMs() : 0;
      if (ms > 0) return wait(ms);
      passOn(held);
    }
    if (closed) return;
    if (slowedAt !== null && recovered()) slowedAt = null;
    if (!held && finished) push(null);
    else read(!full);
  }

  /** As many packets, and the part of one, as there may be at once. */
  function passOn(chunk: Buffer): void {
    let at = 0;
    try {
      do at = framer.follow(chunk, at);
      while (at < chunk.length && !closed && (!framer.between || waitMs() === 0));
    } catch (error) {
      options.fail(error as Error);
    }
    if (closed) return;
    held = at < chunk.length ? chunk.subarray(at) : null;
    full = !push(chunk.subarray(0, at));
  }

  function recovered(): boolean {
    const now = clock.now();
    return !rates || Math.min(rates.messages.level(now), rates.bytes.level(now)) > RECOVERED;
  }

  return {
    take(chunk) {
      held = held ? Buffer.concat([held, chunk]) : chunk;
      pump();
    },
    finish() {
      finished = true;
      pump();
    },
    resume() {
      full = false;
      pump();
    },
    open(as) {
      role = as;
      if (as !== 'server') {
        const now = clock.now();
        const bucket = (perSecond: number) => createBucket(perSecond, BURST_S, now);
        rates = { messages: bucket(limits.messages[as]), bytes: bucket(limits.bytes[as]) };
      }
      pump();
    },
    holding: () => held !== null || full,
    close() {
      closed = true;
      held = null;
      stopWaiting?.();
    },
  };
}
