/** When a picture that is shown was taken, by the vehicle's clock: from the RTP stream itself. Pure. */

/** Clock of RTP video (RFC 6184, section 8.2.1), ticks a ms. */
const RTP_TICKS_PER_MS = 90;
/** Capture times count from 1900, as NTP does. */
const NTP_TO_UNIX_MS = 2_208_988_800_000;

/**
 * What a receiver says of the picture that came last, of
 * https://www.w3.org/TR/webrtc-extensions/#rtcrtpcontributingsource-extensions
 */
export interface CaptureSource {
  rtpTimestamp: number;
  /** abs-capture-time of the sender, ms since 1900; missing where it doesn't send that. */
  captureTimestamp?: number | null;
}

/**
 * @param sources `getSynchronizationSources()` of the receiver
 * @param rtpTimestamp of the picture, as its frame callback has it
 * @returns vehicle's clock, ms since the epoch; null where that is not known
 */
export function capturedAt(sources: CaptureSource[], rtpTimestamp: number | undefined): number | null {
  for (const source of sources) {
    if (typeof source.captureTimestamp !== 'number' || rtpTimestamp === undefined) continue;
    // The receiver may have got one more than is shown; RTP's time is 32 bits and goes round.
    const ahead = (source.rtpTimestamp - rtpTimestamp) | 0;
    return source.captureTimestamp - NTP_TO_UNIX_MS - ahead / RTP_TICKS_PER_MS;
  }
  return null;
}
