/**
 * DTLS records that OpenSSL (1.1.1w, which comes with node-datachannel 0.33.4) ends a connection for instead of
 * dropping them, as RFC 6347, section 4.1.2.7, would have it: encrypted ones that are shorter than what encryption
 * adds. Anybody can send such a thing who writes the other end's address on it. Pure.
 */

const HEADER_BYTES = 13;
/**
 * What AES-GCM adds: 8 bytes of nonce and 16 of tag (RFC 5288, section 3). ChaCha20-Poly1305 adds 16 alone
 * (RFC 7905), so that its alerts, of 18 bytes, go with the rest: its goodbye comes over MQTT too, or is seen by silence.
 */
const LEAST_ENCRYPTED_BYTES = 24;

/** RFC 7983: what begins with 20 to 63. */
const isDtls = (packet: Buffer): boolean => (packet[0] ?? 0) >= 20 && (packet[0] ?? 0) <= 63;

/** Whether one of a datagram's records is too short to be an encrypted one, though it says that it is. */
export function hasStuntedRecord(packet: Buffer): boolean {
  if (!isDtls(packet)) return false;
  for (let at = 0; at + HEADER_BYTES <= packet.length; ) {
    const length = packet.readUInt16BE(at + 11);
    if (packet.readUInt16BE(at + 3) > 0 && length < LEAST_ENCRYPTED_BYTES) return true;
    at += HEADER_BYTES + length;
  }
  return false;
}
