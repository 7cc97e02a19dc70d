/**
 * RTP packets from H.264 pictures: RFC 6184, packetization-mode 1, single NAL units and FU-A.
 *
 * Own code, although FFmpeg's `rtp` muxer does the same in 0.1 ms a picture: its output can only be
 * had through a callback that keeps the thread's event loop alive, and until it is freed by hand,
 * `Worker.terminate()` and the whole process's `process.exit()` hang (seen with node-av 6.1.1).
 */

/** RTP header without extensions; RFC 3550, section 5.1. */
const HEADER_BYTES = 12;
/** FU indicator and FU header; RFC 6184, section 5.8. */
const FU_BYTES = 2;
const FU_A = 28;
/** With SRTP, UDP, a TURN channel and IPv6 around it, it fits into 1,280 bytes, the least that IPv6 promises. */
export const MOST_PAYLOAD_BYTES = 1200;
/** First byte: version 2. Second: marker and payload type; the sender puts its negotiated type in. */
const VERSION_2 = 0x80;
const MARKER = 0x80;
const PAYLOAD_TYPE = 96;

/** What decoders don't need: supplemental information, access unit delimiters, filler. */
const LEFT_OUT = new Set([6, 9, 12]);
const START_CODE = Buffer.from([0, 0, 1]);

/** The packets of one picture, one after another. */
export interface PictureRtp {
  data: ArrayBuffer;
  /** Length of each packet, bytes. */
  lengths: number[];
}

export interface RtpPacketizer {
  /**
   * @param picture one picture in Annex B
   * @param time of capture in 1/90,000 s; goes into the timestamp modulo 2^32
   */
  packetize(picture: Buffer, time: number): PictureRtp;
}

/** @param ssrc placeholder for the one that the sender has negotiated, 32 bits */
export function createRtpPacketizer(ssrc = 1): RtpPacketizer {
  let sequence = 0;
  return {
    packetize(picture, time) {
      const units = nalUnits(picture).filter((unit) => !LEFT_OUT.has((unit[0] ?? 0) & 31));
      const payloads = units.flatMap(fragments);
      const lengths = payloads.map((payload) => HEADER_BYTES + payload.head.length + payload.body.length);
      const data = new ArrayBuffer(lengths.reduce((sum, length) => sum + length, 0));
      const out = Buffer.from(data);
      let at = 0;
      for (const [index, { head, body }] of payloads.entries()) {
        const last = index === payloads.length - 1;
        out[at] = VERSION_2;
        out[at + 1] = PAYLOAD_TYPE | (last ? MARKER : 0);
        out.writeUInt16BE(sequence, at + 2);
        out.writeUInt32BE(time % 2 ** 32, at + 4);
        out.writeUInt32BE(ssrc, at + 8);
        out.set(head, at + HEADER_BYTES);
        out.set(body, at + HEADER_BYTES + head.length);
        at += HEADER_BYTES + head.length + body.length;
        sequence = (sequence + 1) & 0xffff;
      }
      return { data, lengths };
    },
  };
}

/** The NAL units between the start codes of H.264, Annex B; views, not copies. */
export function nalUnits(picture: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let from = picture.indexOf(START_CODE);
  while (from >= 0) {
    const next = picture.indexOf(START_CODE, from + START_CODE.length);
    let end = next < 0 ? picture.length : next;
    // A unit never ends in a zero; those there belong to the next start code.
    while (end > from && picture[end - 1] === 0) end--;
    units.push(picture.subarray(from + START_CODE.length, end));
    from = next;
  }
  return units;
}

interface Payload {
  head: number[];
  body: Buffer;
}

/** A unit as it is, or in FU-A fragments when it does not fit into one packet. */
function fragments(unit: Buffer): Payload[] {
  if (unit.length <= MOST_PAYLOAD_BYTES) return [{ head: [], body: unit }];
  const first = unit[0] ?? 0;
  const rest = unit.subarray(1);
  const room = MOST_PAYLOAD_BYTES - FU_BYTES;
  return Array.from({ length: Math.ceil(rest.length / room) }, (_, index) => {
    const body = rest.subarray(index * room, (index + 1) * room);
    const start = index === 0 ? 0x80 : 0;
    const end = (index + 1) * room >= rest.length ? 0x40 : 0;
    // Importance of the unit with the type FU-A; then start, end and the unit's own type.
    return { head: [(first & 0xe0) | FU_A, start | end | (first & 0x1f)], body };
  });
}
