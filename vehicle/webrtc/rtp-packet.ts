/** RTP packets with header extensions of one byte (RFC 3550, section 5.1; RFC 8285, section 4.2). Pure. */

const VERSION_2 = 0x80;
const WITH_EXTENSIONS = 0x10;
const MARKER = 0x80;
const FIXED_BYTES = 12;
const ONE_BYTE_PROFILE = 0xbede;
/** From 1900 to 1970. */
const NTP_TO_UNIX_S = 2_208_988_800n;
/** RTCP sender report without report blocks (RFC 3550, section 6.4.1). */
const SENDER_REPORT = 200;
const SENDER_REPORT_BYTES = 28;

export interface RtpHeader {
  payloadType: number;
  ssrc: number;
  sequence: number;
  timestamp: number;
  marker: boolean;
}

/** @param payload of 1 to 16 bytes */
export interface Extension {
  id: number;
  payload: Buffer;
}

export function rtpPacket(header: RtpHeader, extensions: Extension[], ...payload: Buffer[]): Buffer {
  const bytes = extensions.reduce((sum, { payload }) => sum + 1 + payload.length, 0);
  const extended = extensions.length === 0 ? 0 : 4 + bytes + (-bytes & 3);
  const head = Buffer.alloc(FIXED_BYTES + extended);
  head[0] = VERSION_2 | (extended > 0 ? WITH_EXTENSIONS : 0);
  head[1] = (header.marker ? MARKER : 0) | header.payloadType;
  head.writeUInt16BE(header.sequence, 2);
  head.writeUInt32BE(header.timestamp, 4);
  head.writeUInt32BE(header.ssrc, 8);
  if (extended > 0) {
    head.writeUInt16BE(ONE_BYTE_PROFILE, FIXED_BYTES);
    head.writeUInt16BE((extended - 4) / 4, FIXED_BYTES + 2);
  }
  let at = FIXED_BYTES + 4;
  for (const { id, payload } of extensions) {
    head[at] = (id << 4) | (payload.length - 1);
    payload.copy(head, at + 1);
    at += 1 + payload.length;
  }
  return Buffer.concat([head, ...payload]);
}

export interface SenderInfo {
  ssrc: number;
  /** ms since the Unix epoch, and the same moment in the clock of the media. */
  at: number;
  timestamp: number;
  packets: number;
  bytes: number;
}

export function senderReport({ ssrc, at, timestamp, packets, bytes }: SenderInfo): Buffer {
  const report = Buffer.alloc(SENDER_REPORT_BYTES);
  report[0] = VERSION_2;
  report[1] = SENDER_REPORT;
  report.writeUInt16BE(SENDER_REPORT_BYTES / 4 - 1, 2);
  report.writeUInt32BE(ssrc, 4);
  report.writeBigUInt64BE(ntpTime(at), 8);
  report.writeUInt32BE(timestamp, 16);
  report.writeUInt32BE(packets % 2 ** 32, 20);
  report.writeUInt32BE(bytes % 2 ** 32, 24);
  return report;
}

/** As RFC 5905 counts: seconds since 1900 and their fraction, 32 bits each. @param ms since the Unix epoch */
export function ntpTime(ms: number): bigint {
  return (BigInt(Math.round(ms)) * 2n ** 32n) / 1000n + (NTP_TO_UNIX_S << 32n);
}

/** abs-send-time: seconds modulo 64, with 18 bits of their fraction. @param ms since the Unix epoch */
export function absSendTime(ms: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(Math.floor((ms / 1000) * 2 ** 18) % 2 ** 24, 0, 3);
  return bytes;
}
