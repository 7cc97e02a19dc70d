/**
 * Everyone who watches one vehicle. All see what one encoder makes, and whose path it follows is decided
 * here: the driver's; while nobody drives, the slowest. A viewer with a slower path gets the pictures that
 * there is room for (see `rate/stream.ts`), so nobody can make the driver's video worse.
 */
import type { VideoSource } from './parts.ts';
import type { VideoPeer } from './webrtc/peer.ts';

/** The encoder is not told of smaller changes. */
const LEAST_CHANGE = 0.02;

export type Audience = ReturnType<typeof createAudience>;

/** @param ceiling upper limit of the video to each, kbit/s */
export function createAudience(video: VideoSource, ceiling: number) {
  /** Peers that can be sent video, the newest last. Of an operator's two while one takes over, the newer is sent it. */
  const watching = new Map<VideoPeer, string>();
  let senders: VideoPeer[] = [];
  let driver: string | null = null;
  let limit = ceiling;
  let kbps = 0;
  let holding = false;

  video.onPicture((picture) => {
    for (const peer of senders) peer.video()?.send(picture);
  });

  function leader() {
    const driving = senders.find((peer) => watching.get(peer) === driver)?.video();
    if (driving) return driving;
    return senders.flatMap((peer) => peer.video() ?? []).sort((a, b) => a.kbps - b.kbps)[0];
  }

  function choose(): void {
    senders = [...new Map([...watching].map(([peer, operator]) => [operator, peer])).values()];
    update();
  }

  /** The encoder follows. */
  function update(): void {
    const lead = leader();
    if (!lead) return;
    if (Math.abs(lead.kbps - kbps) > LEAST_CHANGE * kbps) {
      kbps = lead.kbps;
      video.setBitrate(kbps);
    }
    if (lead.holding !== holding) {
      holding = lead.holding;
      video.hold(holding);
    }
  }

  return {
    update,
    join(operator: string, peer: VideoPeer): void {
      watching.set(peer, operator);
      peer.video()?.setCeiling(limit);
      choose();
      if (watching.size === 1) video.start();
      else video.requestKeyFrame();
    },
    leave(peer: VideoPeer): void {
      const before = senders;
      if (!watching.delete(peer)) return;
      choose();
      if (watching.size === 0) video.stop();
      // The one that it was to take over from is sent pictures again.
      else if (senders.some((each) => !before.includes(each))) video.requestKeyFrame();
    },
    /** A lower limit than the ceiling; null takes it back. @param kbps kbit/s */
    limit(kbps: number | null): void {
      limit = Math.min(ceiling, kbps ?? ceiling);
      for (const peer of watching.keys()) peer.video()?.setCeiling(limit);
      update();
    },
    setDriver(operator: string | null): void {
      driver = operator;
      update();
    },
  };
}
