/**
 * What a receiver reports of the packets that it got: transport-wide congestion control feedback
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
 *
 * werift takes the message apart; its own reading of it knows run-length chunks only.
 */
import * as werift from 'werift';
import type { Report } from '../rate/flight.ts';

/** The unit of the reference time, ms; it has 24 bits. */
const REFERENCE_MS = 64;
const REFERENCES = 2 ** 24;
const NUMBERS = 0x1_0000;
/** Packet status symbols: arrived, with a small or a large time after the one before. */
const SMALL = 1;
const LARGE = 2;

/** Returns what reads one receiver's messages, in the order in which they come. */
export function createReportReader() {
  /** Reference times continued beyond their 24 bits. */
  let reference: number | null = null;
  return (feedback: werift.TransportWideCC): Report[] => {
    const turned =
      ((feedback.referenceTime - (reference ?? feedback.referenceTime)) % REFERENCES) + REFERENCES;
    const step = turned % REFERENCES;
    reference = (reference ?? feedback.referenceTime) + (step < REFERENCES / 2 ? step : step - REFERENCES);
    let at = reference * REFERENCE_MS;
    let delta = 0;
    return feedback.packetChunks
      .flatMap(symbolsOf)
      .slice(0, feedback.packetStatusCount)
      .map((symbol, index) => {
        const number = (feedback.baseSequenceNumber + index) % NUMBERS;
        if (symbol !== SMALL && symbol !== LARGE) return { number, arrivedAt: null };
        at += (feedback.recvDeltas[delta++]?.delta ?? 0) / 1000;
        return { number, arrivedAt: at };
      });
  };
}

function symbolsOf(chunk: werift.TransportWideCC['packetChunks'][number]): number[] {
  if (chunk instanceof werift.RunLengthChunk) return Array(chunk.runLength).fill(chunk.packetStatus);
  return chunk.symbolList;
}
