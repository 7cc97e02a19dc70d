/**
 * One viewer's video on a werift connection: its own RTP sender beside werift's, which neither paces
 * packets nor numbers retransmissions, answers a NACK once only, and remembers 128 packets.
 */
import * as werift from 'werift';
import type { Reduced } from '../../shared/messages.ts';
import type { Picture } from '../parts.ts';
import type { MediaPacket } from '../rate/repair.ts';
import { createStream, type Outgoing, type UnsentPacket } from '../rate/stream.ts';
import { createReportReader } from './reports.ts';

/** Reports when they are asked for: http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02 */
const REPORTS_ON_REQUEST = 'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02';
const REPORTS = werift.RTP_EXTENSION_URI.transportWideCC;
const MID = werift.RTP_EXTENSION_URI.sdesMid;
const SEND_TIME = werift.RTP_EXTENSION_URI.absSendTime;
/** http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time: NTP time, 32 bits of s and 32 of its fraction. */
const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** Least and most time that a receiver may keep a picture back: none. Each has 12 bits. */
const PLAYOUT_DELAY = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
const NO_DELAY = Buffer.alloc(3);

/** In this order they are offered; a receiver that knows reports on request uses those. */
export const headerExtensions = () =>
  [MID, REPORTS_ON_REQUEST, REPORTS, SEND_TIME, PLAYOUT_DELAY, CAPTURE_TIME].map(
    (uri) => new werift.RTCRtpHeaderExtensionParameters({ uri }),
  );

export const videoCodecs = () => [
  werift.useH264({
    rtcpFeedback: [werift.useNACK(), werift.usePLI(), werift.useREMB(), werift.useTWCC()],
  }),
  new werift.RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 }),
];

/** Fixed header of the packets that come from the encoder; RFC 3550, section 5.1. */
const RTP_HEADER_BYTES = 12;
/** Clock of RTP video; RFC 6184, section 8.2.1. */
const RTP_TICKS_PER_MS = 90;
/** From 1900 to 1970. */
const NTP_TO_UNIX_S = 2_208_988_800n;
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
  /** Upper limit, kbit/s. */
  setCeiling(kbps: number): void;
  /** The viewer is heard again after a silence. */
  resumed(): void;
  close(): void;
}

export interface VideoSenderOptions {
  keyFrameWanted(): void;
  /** `kbps` or `holding` may be others now. */
  changed(): void;
}

/** For a connection whose media can be sent. */
export function createVideoSender(
  transceiver: werift.RTCRtpTransceiver,
  options: VideoSenderOptions,
): VideoSender {
  const { sender, codecs, headerExtensions: extensions } = transceiver;
  const transport = sender.dtlsTransport;
  const codec = codecs.find(({ name }) => name.toLowerCase() === 'h264');
  const rtx = codecs.find(({ name }) => name.toLowerCase() === 'rtx');
  const idOf = (uri: string) => extensions.find((extension) => extension.uri === uri)?.id;
  const [mid, onRequest, periodic] = [MID, REPORTS_ON_REQUEST, REPORTS].map(idOf);
  const [sendTime, playoutDelay, captureTime] = [SEND_TIME, PLAYOUT_DELAY, CAPTURE_TIME].map(idOf);
  const readReports = createReportReader();
  let rtxSequence = 0;
  let sent = { packets: 0, bytes: 0 };
  /** The last picture's RTP timestamp, and when it was taken, ms since the epoch. */
  let captured = { timestamp: 0, at: 0 };
  let last: Pick<Picture, 'format' | 'reduced'> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const stream = createStream({
    ceiling: CEILING_KBPS,
    reports: onRequest !== undefined || periodic !== undefined,
    transmit,
    keyFrameWanted: options.keyFrameWanted,
  });

  function transmit({ packet, again, number, reportOf }: Outgoing): void {
    if (!codec) return;
    const { payload, sequence, timestamp, marker } = packet;
    const asRtx = again && rtx !== undefined;
    const header = new werift.RtpHeader({
      payloadType: asRtx ? rtx.payloadType : codec.payloadType,
      ssrc: asRtx ? sender.rtxSsrc : sender.ssrc,
      sequenceNumber: asRtx ? rtxSequence : sequence,
      timestamp,
      marker,
      extensions: extensionsFor(number, reportOf, packet),
    });
    if (asRtx) rtxSequence = (rtxSequence + 1) & 0xffff;
    else if (!again) sent = { packets: sent.packets + 1, bytes: sent.bytes + payload.length };
    void transport.sendRtp(asRtx ? rtxPayload(packet) : payload, header);
  }

  function extensionsFor(number: number, reportOf: number, { key, marker, timestamp }: MediaPacket) {
    const all: { id: number; payload: Buffer }[] = [];
    if (mid !== undefined) all.push({ id: mid, payload: Buffer.from(transceiver.mid ?? '') });
    if (onRequest !== undefined) {
      const payload = Buffer.alloc(reportOf > 0 ? 4 : 2);
      payload.writeUInt16BE(number);
      if (reportOf > 0) payload.writeUInt16BE(WITH_TIMES | Math.min(reportOf, MOST_REPORTED), 2);
      all.push({ id: onRequest, payload });
    } else if (periodic !== undefined) {
      all.push({ id: periodic, payload: werift.serializeTransportWideCC(number) });
    }
    if (playoutDelay !== undefined && key) all.push({ id: playoutDelay, payload: NO_DELAY });
    // One a picture is enough: receivers reckon from there by the RTP timestamp.
    if (captureTime !== undefined && marker) {
      const at = captured.at - ((captured.timestamp - timestamp) | 0) / RTP_TICKS_PER_MS;
      all.push({ id: captureTime, payload: ntpPayload(at) });
    }
    // For an estimate of the receiver's, which it makes when it doesn't report.
    if (sendTime !== undefined && !stream.reported) {
      all.push({ id: sendTime, payload: werift.serializeAbsSendTime(werift.ntpTime()) });
    }
    return all;
  }

  function tick(): void {
    clearTimeout(timer);
    if (closed) return;
    const wait = stream.tick(performance.now());
    if (wait !== null) timer = setTimeout(tick, wait);
    options.changed();
  }

  const listening = transport.onRtcp.subscribe((message) => {
    const now = performance.now();
    if (message instanceof werift.RtcpTransportLayerFeedback) {
      const { feedback } = message;
      if (feedback instanceof werift.TransportWideCC) {
        stream.report(readReports(feedback), now);
      }
      if (feedback instanceof werift.GenericNack && feedback.mediaSourceSsrc === sender.ssrc) {
        stream.missing(
          feedback.lost.map((sequence) => sequence & 0xffff),
          now,
        );
      }
      tick();
    } else if (message instanceof werift.RtcpPayloadSpecificFeedback) {
      const { feedback } = message;
      if (feedback instanceof werift.ReceiverEstimatedMaxBitrate) {
        stream.estimate((ESTIMATE_USED * Number(feedback.bitrate)) / 1000);
        options.changed();
      }
    }
  });
  const reporting = setInterval(() => {
    if (sent.packets === 0) return;
    const senderInfo = new werift.RtcpSenderInfo({
      ntpTimestamp: ntpTime(captured.at),
      rtpTimestamp: captured.timestamp,
      packetCount: sent.packets,
      octetCount: sent.bytes % 2 ** 32,
    });
    transport.sendRtcp([new werift.RtcpSrPacket({ ssrc: sender.ssrc, senderInfo })]).catch(() => {});
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
    setCeiling: (kbps) => stream.setCeiling(kbps),
    resumed() {
      stream.resumed(performance.now());
      tick();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(reporting);
      listening.unSubscribe();
    },
  };
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
function rtxPayload({ payload, sequence }: MediaPacket): Buffer {
  const whole = Buffer.allocUnsafe(2 + payload.length);
  whole.writeUInt16BE(sequence);
  payload.copy(whole, 2);
  return whole;
}

/** As RFC 5905 counts: seconds since 1900 and their fraction, 32 bits each. @param ms since the Unix epoch */
function ntpTime(ms: number): bigint {
  return (BigInt(Math.round(ms)) * 2n ** 32n) / 1000n + (NTP_TO_UNIX_S << 32n);
}

function ntpPayload(ms: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(ntpTime(ms));
  return payload;
}
