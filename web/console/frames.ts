/** Watches the pictures of a video element as they are shown. */
import { signal } from '@preact/signals';
import { capturedAt } from './capture-time.ts';

/** Pictures per second are counted over this time, ms. */
const COUNT_MS = 1_000;

export type Frames = ReturnType<typeof watchFrames>;

/**
 * @param askedAt when the page was asked for, on the clock of `performance.now()`
 * @param receiver where the pictures come from
 * @param onShown a new picture is on the screen
 */
export function watchFrames(askedAt: number, receiver: () => RTCRtpReceiver | null, onShown: () => void) {
  /** From asking for the page to its first picture, ms; null before. */
  const firstFrameMs = signal<number | null>(null);
  /** Pictures per second. */
  const rate = signal(0);
  /** ms since the epoch; null before the first of this source. */
  let lastAt: number | null = null;
  /** When what is on the screen was taken, by the vehicle's clock, ms since the epoch; null where that is not known. */
  let captured: number | null = null;
  let counted = { frames: 0, at: performance.now() };
  let video: HTMLVideoElement | null = null;
  let handle = 0;

  function onFrame(now: number, { presentedFrames, rtpTimestamp }: VideoFrameCallbackMetadata): void {
    handle = video?.requestVideoFrameCallback(onFrame) ?? 0;
    lastAt = Date.now();
    captured = capturedAt(receiver()?.getSynchronizationSources() ?? [], rtpTimestamp);
    firstFrameMs.value ??= Math.round(performance.now() - askedAt);
    // Another stream counts from the beginning.
    if (presentedFrames < counted.frames) counted = { frames: presentedFrames, at: now };
    if (now - counted.at >= COUNT_MS) {
      rate.value = ((presentedFrames - counted.frames) * 1_000) / (now - counted.at);
      counted = { frames: presentedFrames, at: now };
    }
    onShown();
  }

  /** A hidden page is shown no pictures; the first after that gets its time to come. */
  function onVisible(): void {
    if (document.visibilityState === 'visible' && lastAt !== null) lastAt = Date.now();
  }
  document.addEventListener('visibilitychange', onVisible);

  return {
    firstFrameMs,
    rate,
    get lastAt(): number | null {
      return lastAt;
    },
    get capturedAt(): number | null {
      return captured;
    },
    /** Another source: what was shown before says nothing about it. */
    forget(): void {
      lastAt = null;
      captured = null;
    },
    watch(element: HTMLVideoElement): void {
      video = element;
      handle = element.requestVideoFrameCallback(onFrame);
    },
    close(): void {
      video?.cancelVideoFrameCallback(handle);
      video = null;
      document.removeEventListener('visibilitychange', onVisible);
    },
  };
}
