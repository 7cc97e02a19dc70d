/**
 * How much a viewer may make this end work by what it says of the video. Honest receivers report up to 90
 * times a second and some 600 packets a second at 6 Mbit/s, and ask for a key frame a few times in a minute;
 * whoever says more is not heard, and nobody else has to wait. Pure.
 */

/** RTCP packets a second. */
const MESSAGES = 400;
/** Packets that these speak of, a second. */
const STATUSES = 20_000;
/** Between two key frames that one viewer gets for asking, ms. */
const KEY_FRAME_MS = 300;

export type FeedbackBudget = ReturnType<typeof createFeedbackBudget>;

export function createFeedbackBudget() {
  const messages = createBucket(MESSAGES);
  const statuses = createBucket(STATUSES);
  let keyFrameAt = Number.NEGATIVE_INFINITY;
  return {
    /** Whether another RTCP packet is read. @param now ms */
    message: (now: number): boolean => messages(1, now),
    /** Whether what is said of so many packets is looked at. */
    statuses: (count: number, now: number): boolean => statuses(count, now),
    /** Whether asking for a key frame counts. */
    keyFrame(now: number): boolean {
      if (now - keyFrameAt < KEY_FRAME_MS) return false;
      keyFrameAt = now;
      return true;
    },
  };
}

/** As much as a second brings may be used at once. */
function createBucket(perSecond: number) {
  let level = perSecond;
  let at: number | null = null;
  return (wanted: number, now: number): boolean => {
    level = Math.min(perSecond, level + ((now - (at ?? now)) * perSecond) / 1000);
    at = now;
    if (wanted > level) return false;
    level -= wanted;
    return true;
  };
}
