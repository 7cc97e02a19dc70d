/**
 * Everyone who watches one vehicle. All see what one encoder makes, and whose path it follows is decided
 * here: the driver's; while nobody drives, the slowest. A viewer with a slower path gets the pictures that
 * there is room for (see `rate/stream.ts`), so nobody can make the driver's video worse.
 */
import type { VideoSource } from './parts.ts';
import type { VideoPeer } from './webrtc/peer.ts';

/**
 * Key frames that are asked for: each costs everyone several pictures' worth, so there are no two within this
 * time, ms, whoever asks.
 */
const KEY_FRAMES_MS = 100;
/**
 * While somebody drives, those who only watch get one within this time together, ms. The driver's own requests
 * are served at once: nobody who watches can make the driver's picture worse by asking.
 */
const WATCHERS_KEY_FRAMES_MS = 2_000;
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
  let keyFrameAt = Number.NEGATIVE_INFINITY;
  /** A key frame that is due later; it serves all who ask until then. */
  let due: { at: number; timer: NodeJS.Timeout } | null = null;

  function requestKeyFrame(): void {
    clearTimeout(due?.timer);
    due = null;
    keyFrameAt = performance.now();
    video.requestKeyFrame();
  }

  video.onPicture((picture) => {
    for (const peer of senders) peer.video()?.send(picture);
  });

  const drivingPeer = () => senders.find((peer) => watching.get(peer) === driver);

  function leader() {
    const driving = drivingPeer()?.video();
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
    /** This viewer can show nothing without a key frame. */
    keyFrameWanted(operator: string): void {
      const watches = operator !== driver && drivingPeer() !== undefined;
      const at = keyFrameAt + (watches ? WATCHERS_KEY_FRAMES_MS : KEY_FRAMES_MS);
      const wait = at - performance.now();
      if (wait <= 0) return requestKeyFrame();
      if (due && due.at <= at) return;
      clearTimeout(due?.timer);
      due = { at, timer: setTimeout(requestKeyFrame, wait) };
    },
    join(operator: string, peer: VideoPeer): void {
      watching.set(peer, operator);
      peer.video()?.setCeiling(limit);
      choose();
      if (watching.size === 1) video.start();
      else requestKeyFrame();
    },
    leave(peer: VideoPeer): void {
      const before = senders;
      if (!watching.delete(peer)) return;
      choose();
      if (watching.size === 0) video.stop();
      // The one that it was to take over from is sent pictures again.
      else if (senders.some((each) => !before.includes(each))) requestKeyFrame();
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
    close: () => clearTimeout(due?.timer),
  };
}
