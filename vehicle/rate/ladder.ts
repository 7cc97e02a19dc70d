/**
 * What pictures a bit rate is enough for. First each picture gets fewer bits; when that would make it
 * unreadable, there are fewer of them, and then they are smaller.
 */

/** A part of the full frame rate and of the full width and height. */
interface Step {
  fps: number;
  size: number;
  /** Not below so many bits for each pixel of each full picture. */
  bits: number;
}

/** With 640×480 at 30 pictures a second: 0.04 is 370 kbit/s. */
const STEPS: readonly Step[] = [
  { fps: 1, size: 1, bits: 0.04 },
  { fps: 2 / 3, size: 1, bits: 0.028 },
  { fps: 2 / 3, size: 3 / 4, bits: 0.02 },
  { fps: 1 / 2, size: 1 / 2, bits: 0 },
];
/** For the way up there must be more than was too little, by this much, for so long, ms. */
const MARGIN = 1.25;
const PATIENCE_MS = 3_000;
/** Not below, whatever the full rate is. */
const LEAST_FPS = 10;

export interface Full {
  width: number;
  height: number;
  fps: number;
}

/** Returns what tells the format for a rate; time goes on from call to call. */
export function createLadder(full: Full) {
  const pixelRate = full.width * full.height * full.fps;
  let at = 0;
  let enoughSince: number | null = null;

  function format(): Full {
    const { fps, size } = STEPS[at] as Step;
    const even = (pixels: number) => Math.round((pixels * size) / 2) * 2;
    const pictures = Math.max(Math.min(LEAST_FPS, full.fps), full.fps * fps);
    return { width: even(full.width), height: even(full.height), fps: pictures };
  }

  return {
    /** Fewer or smaller pictures than there could be. */
    get reduced(): boolean {
      return at > 0;
    },
    /** @param kbps what there is now @param now ms */
    format(kbps: number, now: number): Full {
      const bits = (kbps * 1000) / pixelRate;
      while (bits < (STEPS[at] as Step).bits) {
        at++;
        enoughSince = null;
      }
      const above = STEPS[at - 1];
      if (!above || bits < above.bits * MARGIN) enoughSince = null;
      else if (enoughSince === null) enoughSince = now;
      else if (now - enoughSince >= PATIENCE_MS) {
        at--;
        enoughSince = now;
      }
      return format();
    },
  };
}
