/** Time, injected, so that tests can own it. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Calls back once after `ms`. Returns the undo. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back every `ms`. Returns the undo. */
  every(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};
