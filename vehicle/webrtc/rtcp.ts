/**
 * What a receiver of video says of it: RTCP (RFC 3550, RFC 4585, transport-wide congestion control feedback
 * of draft-holmer-rmcat-transport-wide-cc-extensions-01, REMB). Pure, and bounded by the bytes that came:
 * whoever drives is not trusted to say how much work there is.
 */
import type { Report } from '../rate/flight.ts';

export type Feedback =
  /** A key frame is wanted (PLI). */
  | { kind: 'picture lost' }
  /** Packets by their RTP sequence numbers (NACK). */
  | { kind: 'missing'; ssrc: number; sequences: number[] }
  /** What it can take, bit/s (REMB). */
  | { kind: 'estimate'; bps: number }
  | ({ kind: 'arrivals' } & Arrivals)
  /** Part of the packets since its last report that got lost, 0…1. */
  | { kind: 'loss'; ssrc: number; fraction: number };

export interface Arrivals {
  /** Transport-wide number of the first packet. */
  base: number;
  /** In units of 64 ms, modulo 2^24. */
  reference: number;
  /** For each packet, ms since the one before that arrived; null when it has not. */
  steps: (number | null)[];
}

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const NACK = 1;
const TRANSPORT_WIDE = 15;
const PLI = 1;
const APPLICATION = 15;
/** Report blocks follow the SSRC, and in a sender report its figures. */
const BLOCKS_AT: Record<number, number> = { [SENDER_REPORT]: 28, [RECEIVER_REPORT]: 8 };
const BLOCK_BYTES = 24;
/** Header and the two SSRCs of feedback. */
const FEEDBACK_BYTES = 12;
/** Of arrivals in one message: one that covers a second of 6 Mbit/s has 600. */
export const MOST_STATUSES = 1_024;
/** The unit of the reference time, ms; it has 24 bits. */
const REFERENCE_MS = 64;
const REFERENCES = 2 ** 24;
const NUMBERS = 0x1_0000;
/** The unit of a step, ms. */
const STEP_MS = 0.25;
/** Packet status symbols: arrived, with a step of one byte, or of two with a sign. */
const SMALL = 1;
const LARGE = 2;

/** The messages of a compound packet, up to the first that is not sound. */
export function parseRtcp(packet: Buffer): Feedback[] {
  const found: Feedback[] = [];
  for (let at = 0; at + 4 <= packet.length; ) {
    const end = at + 4 + packet.readUInt16BE(at + 2) * 4;
    if ((packet[at] ?? 0) >> 6 !== 2 || end > packet.length) break;
    const message = packet.subarray(at, end);
    const [count, type] = [(message[0] ?? 0) & 31, message[1] ?? 0];
    if (type in BLOCKS_AT) found.push(...lossesOf(message, count, BLOCKS_AT[type] ?? 0));
    else if (message.length >= FEEDBACK_BYTES) {
      const feedback = feedbackOf(message, type, count);
      if (feedback) found.push(feedback);
    }
    at = end;
  }
  return found;
}

function feedbackOf(message: Buffer, type: number, format: number): Feedback | null {
  if (type === PAYLOAD_FEEDBACK && format === PLI) return { kind: 'picture lost' };
  if (type === PAYLOAD_FEEDBACK && format === APPLICATION) return estimateOf(message);
  if (type === TRANSPORT_FEEDBACK && format === NACK) return missingOf(message);
  if (type === TRANSPORT_FEEDBACK && format === TRANSPORT_WIDE) return arrivalsOf(message);
  return null;
}

function lossesOf(message: Buffer, count: number, start: number): Feedback[] {
  const fits = Math.max(0, Math.floor((message.length - start) / BLOCK_BYTES));
  return Array.from({ length: Math.min(count, fits) }, (_, index) => {
    const at = start + index * BLOCK_BYTES;
    return { kind: 'loss', ssrc: message.readUInt32BE(at), fraction: (message[at + 4] ?? 0) / 256 };
  });
}

/** Each entry has the number of one packet, and a bit for each of the 16 after it. */
function missingOf(message: Buffer): Feedback {
  const sequences: number[] = [];
  for (let at = FEEDBACK_BYTES; at + 4 <= message.length; at += 4) {
    const first = message.readUInt16BE(at);
    const more = message.readUInt16BE(at + 2);
    sequences.push(first);
    for (let bit = 0; bit < 16; bit++) {
      if ((more >> bit) & 1) sequences.push((first + bit + 1) % NUMBERS);
    }
  }
  return { kind: 'missing', ssrc: message.readUInt32BE(8), sequences };
}

/** draft-alvestrand-rmcat-remb, section 2.2: six bits of exponent, eighteen of mantissa. */
function estimateOf(message: Buffer): Feedback | null {
  if (message.length < 20 || message.toString('latin1', 12, 16) !== 'REMB') return null;
  const bits = message.readUIntBE(17, 3);
  return { kind: 'estimate', bps: (bits & 0x3ffff) * 2 ** (bits >> 18) };
}

function arrivalsOf(message: Buffer): Feedback | null {
  if (message.length < 20) return null;
  const count = message.readUInt16BE(14);
  const symbols: number[] = [];
  let at = 20;
  // All chunks have to be gone through to find the steps, which come after the last; each is quickly done.
  for (let covered = 0; covered < count && at + 2 <= message.length; at += 2) {
    const chunk = message.readUInt16BE(at);
    addSymbols(chunk, Math.min(count, MOST_STATUSES), symbols);
    covered += chunk >> 15 === 0 ? chunk & 0x1fff : (chunk >> 14) & 1 ? 7 : 14;
  }
  const steps: (number | null)[] = [];
  for (const symbol of symbols) {
    const bytes = symbol === SMALL ? 1 : symbol === LARGE ? 2 : 0;
    // Steps that are missing make it worthless from there on.
    if (at + bytes > message.length) return null;
    if (bytes === 0) steps.push(null);
    else steps.push(STEP_MS * (bytes === 1 ? message.readUInt8(at) : message.readInt16BE(at)));
    at += bytes;
  }
  const [base, reference] = [message.readUInt16BE(12), message.readUIntBE(16, 3)];
  return steps.length === 0 ? null : { kind: 'arrivals', base, reference, steps };
}

/** A chunk is a run of one symbol, or a list of 14 symbols of one bit, or of 7 of two (section 3.1.1). */
function addSymbols(chunk: number, most: number, symbols: number[]): void {
  if (chunk >> 15 === 0) {
    const run = Math.min(chunk & 0x1fff, most - symbols.length);
    for (let index = 0; index < run; index++) symbols.push((chunk >> 13) & 3);
    return;
  }
  const bits = (chunk >> 14) & 1 ? 2 : 1;
  for (let left = 14 - bits; left >= 0 && symbols.length < most; left -= bits) {
    symbols.push((chunk >> left) & (bits === 2 ? 3 : 1));
  }
}

/** Returns what puts one receiver's arrivals on a clock that goes on, in the order in which they come. */
export function createArrivalClock() {
  /** Reference times continued beyond their 24 bits. */
  let last: number | null = null;
  return ({ base, reference, steps }: Arrivals): Report[] => {
    const before = last ?? reference;
    const step = (((reference - before) % REFERENCES) + REFERENCES) % REFERENCES;
    last = before + (step < REFERENCES / 2 ? step : step - REFERENCES);
    let at = last * REFERENCE_MS;
    return steps.map((ms, index) => {
      const number = (base + index) % NUMBERS;
      if (ms === null) return { number, arrivedAt: null };
      at += ms;
      return { number, arrivedAt: at };
    });
  };
}
