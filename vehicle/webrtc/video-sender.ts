/** One viewer's video on a connection: packets of `rate/stream.ts` as RTP, and the receiver's RTCP to it. */
import type { Reduced } from '../../shared/messages.ts';
import type { Picture } from '../parts.ts';
import { createFeedbackBudget } from '../rate/feedback-budget.ts';
import type { MediaPacket } from '../rate/repair.ts';
import { createStream, type Outgoing, type UnsentPacket } from '../rate/stream.ts';
import {
  type AnsweredVideo,
  CAPTURE_TIME,
  MID,
  OFFERED_VIDEO,
  PLAYOUT_DELAY,
  REPORTS,
  REPORTS_ON_REQUEST,
  SEND_TIME,
  type VideoIds,
} from './offered-video.ts';
import { createArrivalClock, type Feedback, parseRtcp } from './rtcp.ts';
import { absSendTime, type Extension, ntpTime, rtpPacket, senderReport } from './rtp-packet.ts';

/** Least and most time that a receiver may keep a picture back: none. Each has 12 bits. */
const NO_DELAY = Buffer.alloc(3);
/** Fixed header of the packets that come from the encoder; RFC 3550, section 5.1. */
const RTP_HEADER_BYTES = 12;
/** Clock of RTP video; RFC 6184, section 8.2.1. */
const RTP_TICKS_PER_MS = OFFERED_VIDEO.clockRate / 1000;
/** The top bit of a report request says that times are wanted. */
const WITH_TIMES = 0x8000;
const MOST_REPORTED = 0x7fff;
/** Unless another is set. */
const CEILING_KBPS = 4_000;
/** Sender reports (RFC 3550, section 6.4.1), ms. */
const SENDER_REPORT_MS = 1_000;
/** Of what a receiver without reports estimates (REMB). */
const ESTIMATE_USED = 0.85;

export interface VideoSender {
  send(picture: Picture): void;
  /** What the encoder may make for this viewer, kbit/s. */
  readonly kbps: number;
  /** What is there has to leave first. */
  readonly holding: boolean;
  /** What the last picture was reduced to, and the bit rate that allowed no more; null while it is whole. */
  readonly reduced: Reduced | null;
  /** Packets that the receiver reported lost in its last report, percent. */
  readonly lossPct: number | undefined;
  /** Upper limit, kbit/s. */
  setCeiling(kbps: number): void;
  /** The viewer is heard again after a silence. */
  resumed(): void;
  /** A packet of the receiver's RTCP. */
  feedback(packet: Buffer): void;
  close(): void;
}

export interface VideoSenderOptions {
  ids: VideoIds;
  answered: AnsweredVideo;
  transmit(packet: Buffer): void;
  keyFrameWanted(): void;
  /** `kbps` or `holding` may be others now. */
  changed(): void;
}

/** For a connection whose media can be sent. */
export function createVideoSender({ ids, answered, ...options }: VideoSenderOptions): VideoSender {
  const { rtx, extensions } = answered;
  const budget = createFeedbackBudget();
  const onClock = createArrivalClock();
  let rtxSequence = 0;
  let sent = { packets: 0, bytes: 0 };
  /** The last picture's RTP timestamp, and when it was taken, ms since the epoch. */
  let captured = { timestamp: 0, at: 0 };
  let last: Pick<Picture, 'format' | 'reduced'> | null = null;
  let lossPct: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const stream = createStream({
    ceiling: CEILING_KBPS,
    reports: extensions.has(REPORTS_ON_REQUEST) || extensions.has(REPORTS),
    transmit,
    keyFrameWanted: options.keyFrameWanted,
  });

  function transmit({ packet, again, number, reportOf }: Outgoing): void {
    const { payload, sequence, timestamp, marker } = packet;
    const head = { timestamp, marker };
    const values = extensionsOf(extensions, {
      number,
      reportOf,
      key: packet.key,
      // One a picture is enough: receivers reckon from there by the RTP timestamp.
      takenAt: marker ? captured.at - ((captured.timestamp - timestamp) | 0) / RTP_TICKS_PER_MS : null,
      // For an estimate of the receiver's, which it makes when it doesn't report.
      estimating: !stream.reported,
    });
    if (again && rtx) {
      const header = { ...head, payloadType: OFFERED_VIDEO.rtxPayloadType, ssrc: ids.rtxSsrc };
      options.transmit(rtpPacket({ ...header, sequence: rtxSequence }, values, original(packet), payload));
      rtxSequence = (rtxSequence + 1) & 0xffff;
      return;
    }
    const header = { ...head, payloadType: OFFERED_VIDEO.payloadType, ssrc: ids.ssrc, sequence };
    options.transmit(rtpPacket(header, values, payload));
    if (!again) sent = { packets: sent.packets + 1, bytes: sent.bytes + payload.length };
  }

  function tick(): void {
    clearTimeout(timer);
    if (closed) return;
    const wait = stream.tick(performance.now());
    if (wait !== null) timer = setTimeout(tick, wait);
    options.changed();
  }

  function heed(feedback: Feedback, now: number): void {
    if (feedback.kind === 'picture lost') {
      if (budget.keyFrame(now)) options.keyFrameWanted();
    } else if (feedback.kind === 'arrivals') {
      if (budget.statuses(feedback.steps.length, now)) stream.report(onClock(feedback), now);
    } else if (feedback.kind === 'missing') {
      const mine = feedback.ssrc === ids.ssrc && budget.statuses(feedback.sequences.length, now);
      if (mine) stream.missing(feedback.sequences, now);
    } else if (feedback.kind === 'estimate') {
      stream.estimate((ESTIMATE_USED * feedback.bps) / 1000);
    } else if (feedback.ssrc === ids.ssrc) {
      lossPct = feedback.fraction * 100;
    }
  }

  const reporting = setInterval(() => {
    if (sent.packets > 0) options.transmit(senderReport({ ssrc: ids.ssrc, ...captured, ...sent }));
  }, SENDER_REPORT_MS);

  return {
    send({ packets, keyFrame, capturedAt, format, reduced }) {
      last = { format, reduced };
      captured = { timestamp: packets[0]?.readUInt32BE(4) ?? captured.timestamp, at: capturedAt };
      stream.picture(
        packets.map((packet) => unsent(packet, keyFrame)),
        performance.now(),
      );
      tick();
    },
    get kbps() {
      return stream.kbps;
    },
    get holding() {
      return stream.holding;
    },
    get reduced() {
      return last?.reduced ? { ...last.format, allowedKbps: Math.round(stream.kbps) } : null;
    },
    get lossPct() {
      return lossPct;
    },
    setCeiling: (kbps) => stream.setCeiling(kbps),
    resumed() {
      stream.resumed(performance.now());
      tick();
    },
    feedback(packet) {
      const now = performance.now();
      if (closed || !budget.message(now)) return;
      for (const feedback of parseRtcp(packet)) heed(feedback, now);
      tick();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(reporting);
    },
  };
}

interface Values {
  /** Transport-wide number. */
  number: number;
  /** How many last numbers are to be reported; 0: no report. */
  reportOf: number;
  key: boolean;
  /** When its picture was taken, ms since the epoch; null: is not told. */
  takenAt: number | null;
  estimating: boolean;
}

/** Those that the receiver has agreed to. */
function extensionsOf(ids: Map<string, number>, values: Values): Extension[] {
  const all: Extension[] = [];
  const add = (uri: string, payload: () => Buffer) => {
    const id = ids.get(uri);
    if (id !== undefined) all.push({ id, payload: payload() });
  };
  add(MID, () => Buffer.from(OFFERED_VIDEO.mid));
  if (ids.has(REPORTS_ON_REQUEST)) add(REPORTS_ON_REQUEST, () => numbered(values.number, values.reportOf));
  else add(REPORTS, () => numbered(values.number, 0));
  if (values.key) add(PLAYOUT_DELAY, () => NO_DELAY);
  const { takenAt } = values;
  if (takenAt !== null) add(CAPTURE_TIME, () => captureTime(takenAt));
  if (values.estimating) add(SEND_TIME, () => absSendTime(Date.now()));
  return all;
}

function numbered(number: number, reportOf: number): Buffer {
  const payload = Buffer.alloc(reportOf > 0 ? 4 : 2);
  payload.writeUInt16BE(number);
  if (reportOf > 0) payload.writeUInt16BE(WITH_TIMES | Math.min(reportOf, MOST_REPORTED), 2);
  return payload;
}

/** NTP time, 32 bits of s and 32 of its fraction. */
function captureTime(ms: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(ntpTime(ms));
  return payload;
}

function unsent(packet: Buffer, key: boolean): UnsentPacket {
  return {
    marker: ((packet[1] ?? 0) & 0x80) !== 0,
    key,
    timestamp: packet.readUInt32BE(4),
    payload: packet.subarray(RTP_HEADER_BYTES),
  };
}

/** RFC 4588, section 4: the original sequence number goes before the payload. */
function original({ sequence }: MediaPacket): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(sequence);
  return bytes;
}
