/**
 * Follows the packets of an MQTT byte stream by their fixed headers alone (MQTT 3.1.1, 2.2), and keeps nothing
 * of them: so a packet that is too large is known by its first five bytes.
 */

/** Control packet types (MQTT 3.1.1, 2.2.1). */
export const CONNECT = 1;
export const PUBLISH = 3;
export const PUBACK = 4;
export const PUBREC = 5;
export const SUBSCRIBE = 8;

export interface Header {
  type: number;
  /** Of a PUBLISH; 0 otherwise. */
  qos: number;
  /** The remaining length: bytes after the fixed header. */
  length: number;
}

export interface Framer {
  /** False within a packet or its header. */
  readonly between: boolean;
  /**
   * Goes on to the end of the packet, or of the chunk if that comes first.
   * @returns where that is
   * @throws Error when the remaining length has more than four bytes
   */
  follow(chunk: Uint8Array, from: number): number;
}

/** @param onHeader is told of each packet when its fixed header is complete */
export function createFramer(onHeader: (header: Header) => void): Framer {
  let first = -1;
  let length = 0;
  let shift = 0;
  /** Of the packet's body, still to come. */
  let left = 0;

  function readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at++] as number;
      if (first === -1) {
        first = byte;
        length = 0;
        shift = 0;
        continue;
      }
      length |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) {
        const header = { type: first >> 4, qos: first >> 4 === PUBLISH ? (first >> 1) & 3 : 0, length };
        first = -1;
        left = length;
        onHeader(header);
        break;
      }
      if (shift > 21) throw new Error('a remaining length of more than four bytes');
    }
    return at;
  }

  return {
    get between() {
      return left === 0 && first === -1;
    },
    follow(chunk, from) {
      const at = left === 0 ? readHeader(chunk, from) : from;
      const taken = Math.min(left, chunk.length - at);
      left -= taken;
      return at + taken;
    },
  };
}
