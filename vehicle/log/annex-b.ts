/** A picture in Annex B again from its RTP packets: RFC 6184, single NAL units and FU-A, as rtp.ts makes them. */

const FU_A = 28;
const TYPE = 0x1f;
const START = 0x80;
const HEADER_BYTES = 12;
const FU_BYTES = 2;
/** Four bytes, as parameter sets and the first unit of a picture must have it. */
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** @param packets all of one picture, in order, without extensions and CSRCs */
export function annexBOf(packets: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const packet of packets) {
    const payload = packet.subarray(HEADER_BYTES);
    const [indicator = 0, header = 0] = payload;
    if ((indicator & TYPE) !== FU_A) {
      parts.push(START_CODE, payload);
      continue;
    }
    // The unit's own first byte: importance from the one, type from the other.
    if (header & START) parts.push(START_CODE, Buffer.from([(indicator & ~TYPE) | (header & TYPE)]));
    parts.push(payload.subarray(FU_BYTES));
  }
  return Buffer.concat(parts);
}
