/**
 * Follows the frames of a WebSocket by their headers (RFC 6455, 5.2), and counts those that carry no message: pings,
 * pongs, empty frames. ws deals with them by itself, so they would pass every limit of MQTT.
 */

import { createBucket } from '../../shared/bucket.ts';
import type { Clock } from '../../shared/clock.ts';
import { BURST_S } from './limits.ts';

/** Of such frames, a second. A client sends a pong for a ping, and hardly anything else. */
const MOST_PER_S = 20;

const MASKED = 0x80;
const CONTROL = 0x8;
const MASK_BYTES = 4;

/** @returns takes what comes, and says whether that is too much */
export function createFrameWatch(clock: Clock): (chunk: Uint8Array) => boolean {
  const bucket = createBucket(MOST_PER_S, BURST_S, clock.now());
  /** Bytes of a header so far: its first, and how long it is once that is known. */
  const header: number[] = [];
  /** Of the frame's payload, and its mask, still to come. */
  let left = 0;

  function begin(byte: number): boolean {
    header.push(byte);
    const [first = 0, second] = header;
    if (second === undefined) return false;
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (header.length < 2 + extended) return false;
    const length = extended === 0 ? short : header.slice(2).reduce((sum, each) => sum * 256 + each, 0);
    left = length + (second & MASKED ? MASK_BYTES : 0);
    header.length = 0;
    return length === 0 || (first & CONTROL) !== 0;
  }

  return (chunk) => {
    const now = clock.now();
    let idle = 0;
    for (let at = 0; at < chunk.length; ) {
      const skipped = Math.min(left, chunk.length - at);
      left -= skipped;
      at += skipped;
      if (at < chunk.length && begin(chunk[at++] as number)) idle += 1;
    }
    if (idle > 0) bucket.take(idle, now);
    return bucket.level(now) < 0;
  };
}
