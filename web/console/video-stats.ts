/** What this end measures of the video it receives. */

export interface VideoStats {
  /** Of the last interval; null for the first. */
  kbps: number | null;
  width: number;
  height: number;
  codec: string;
  decoded: number;
  dropped: number;
  lostPackets: number;
  freezes: number;
  jitterMs: number;
  /** Mean time a picture waits before it is decoded, in the last interval, ms. */
  waitMs: number | null;
}

/** https://www.w3.org/TR/webrtc-stats/#inboundrtpstats-dict* */
interface Inbound {
  type: string;
  timestamp: number;
  codecId?: string;
  bytesReceived: number;
  packetsLost?: number;
  jitter?: number;
  framesDecoded?: number;
  framesDropped?: number;
  frameWidth?: number;
  frameHeight?: number;
  freezeCount?: number;
  jitterBufferDelay?: number;
  jitterBufferEmittedCount?: number;
}

/** Returns what reads the figures of a receiver; each call's rates are those since the call before. */
export function createVideoStats() {
  let before: Inbound | null = null;
  return async (receiver: RTCRtpReceiver): Promise<VideoStats | null> => {
    const report = (await receiver.getStats()) as unknown as Map<string, Inbound & { mimeType?: string }>;
    const now = [...report.values()].find(({ type }) => type === 'inbound-rtp');
    if (!now) return null;
    const last = before && before.timestamp < now.timestamp ? before : null;
    before = now;
    const grown = (field: 'bytesReceived' | 'jitterBufferDelay' | 'jitterBufferEmittedCount') =>
      (now[field] ?? 0) - (last?.[field] ?? 0);
    const emitted = grown('jitterBufferEmittedCount');
    return {
      kbps: last ? Math.max(0, (grown('bytesReceived') * 8) / (now.timestamp - last.timestamp)) : null,
      width: now.frameWidth ?? 0,
      height: now.frameHeight ?? 0,
      codec: report.get(now.codecId ?? '')?.mimeType?.replace('video/', '') ?? '',
      decoded: now.framesDecoded ?? 0,
      dropped: now.framesDropped ?? 0,
      lostPackets: Math.max(0, now.packetsLost ?? 0),
      freezes: now.freezeCount ?? 0,
      jitterMs: (now.jitter ?? 0) * 1_000,
      waitMs: last && emitted > 0 ? (grown('jitterBufferDelay') / emitted) * 1_000 : null,
    };
  };
}
