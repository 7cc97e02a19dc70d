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
import { createFramer, PUBLISH } from './framer.ts';
import { createInlet } from './inlet.ts';
import { LimitError, type LimitedRole, type Limits, type Refusal } from './limits.ts';

/** Retained messages are handed out while less than this waits to be sent, in bytes. */
const ROOM_BYTES = 16 * 1024;

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
  /** Ends the line when the other end gives no sign of life. To be called about once a second. */
  check(now: number): void;
  /** The process was late by so many ms, until now: that much of the silence is nobody else's fault. */
  excuse(ms: number, now: number): void;
}

export function createLine({ transport, limits, clock, onOver }: LineOptions): Line {
  const { stream: wire } = transport;
  const answerMs = limits.answerSeconds * 1000;
  let heardAt = clock.now();
  let pinged = false;
  /** Messages of QoS 1 and 2 on their way out. */
  let unacknowledged = 0;
  let acknowledgedAt = 0;
  let watching = false;
  let waitingForRoom: (() => void)[] = [];

  const inlet = createInlet({
    limits,
    clock,
    push: (chunk) => stream.push(chunk),
    read: (on) => void (on ? wire.resume() : wire.pause()),
    onAcknowledged() {
      if (unacknowledged === 0) return false;
      unacknowledged -= 1;
      acknowledgedAt = clock.now();
      return true;
    },
    onSlowed: (refusal) => onOver(refusal, false),
    end,
    fail: (error) => void stream.destroy(error),
  });
  const outgoing = createFramer(({ type, qos }) => {
    if (type !== PUBLISH || qos === 0) return;
    if (unacknowledged === 0) acknowledgedAt = clock.now();
    unacknowledged += 1;
  });

  const stream = new Duplex({
    // Never reached, since too large a backlog ends the line: so a write is always taken.
    writableHighWaterMark: Number.MAX_SAFE_INTEGER,
    read: () => inlet.resume(),
    writev(chunks, done) {
      send(chunks.length === 1 ? chunks[0]?.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk)));
      done();
    },
    final(done) {
      wire.end();
      done();
    },
    destroy(error, done) {
      inlet.close();
      if (error && !wire.destroyed) transport.farewell?.(error.message);
      wire.destroy();
      giveRoom();
      done(error);
    },
  });

  function end(refusal: Refusal): void {
    if (stream.destroyed) return;
    onOver(refusal, true);
    stream.destroy(new LimitError(refusal));
  }

  function heard(): void {
    heardAt = clock.now();
    pinged = false;
  }

  wire.on('data', (chunk: Buffer) => {
    heard();
    inlet.take(chunk);
  });
  wire.on('error', (error) => stream.destroy(error));
  // What came before is still passed on.
  for (const event of ['end', 'close']) wire.on(event, () => inlet.finish());

  function send(chunk: Buffer): void {
    if (wire.destroyed) return;
    for (let at = 0; at < chunk.length; ) at = outgoing.follow(chunk, at);
    wire.write(chunk, () => {
      if (waitingForRoom.length > 0 && transport.backlog() < ROOM_BYTES) giveRoom();
    });
    const backlog = transport.backlog();
    if (backlog > limits.backlogBytes) {
      end({ limit: 'backlogBytes', reason: `${backlog} bytes wait for it to take them` });
    } else if (backlog > 0 && !watching) {
      // Left on, since most of what waits is gone at once.
      watching = true;
      transport.watchStall?.(limits.stalledSeconds * 1000, onStall);
    }
  }

  function onStall(): void {
    const backlog = transport.backlog();
    if (backlog > 0) {
      // Where the process was late, what was taken meanwhile is only heard of in this turn of the event loop.
      setImmediate(() => {
        if (transport.backlog() < backlog)
          return transport.watchStall?.(limits.stalledSeconds * 1000, onStall);
        const reason = `it took nothing of ${backlog} bytes for ${limits.stalledSeconds} s`;
        end({ limit: 'stalledSeconds', reason });
      });
    } else {
      watching = false;
      transport.watchStall?.(0, onStall);
    }
  }

  function giveRoom(): void {
    const waiting = waitingForRoom;
    waitingForRoom = [];
    for (const go of waiting) go();
  }

  return {
    stream,
    open: inlet.open,
    backlog: transport.backlog,
    async room() {
      while (!stream.destroyed && transport.backlog() >= ROOM_BYTES) {
        await new Promise<void>((resolve) => waitingForRoom.push(resolve));
      }
      return !stream.destroyed;
    },
    check(now) {
      // An answer may be among what is held back.
      if (inlet.holding()) return;
      const within = `for ${limits.answerSeconds} s`;
      if (unacknowledged > 0 && now - acknowledgedAt > answerMs) {
        return end({ limit: 'answerSeconds', reason: `it acknowledged nothing ${within}` });
      }
      if (!transport.ping) return;
      const silentMs = now - heardAt;
      if (pinged) {
        if (silentMs > answerMs) end({ limit: 'answerSeconds', reason: `it answered nothing ${within}` });
      } else if (silentMs > answerMs / 2) {
        pinged = true;
        transport.ping(heard);
      }
    },
    excuse(ms, now) {
      heardAt = Math.min(now, heardAt + ms);
      acknowledgedAt = Math.min(now, acknowledgedAt + ms);
    },
  };
}
