/** Keeps the screen on while this device is a vehicle; a phone that sleeps sends no picture. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let closed = false;

  /** The system takes the lock back whenever the page is hidden. */
  async function take(): Promise<void> {
    if (document.visibilityState !== 'visible') return;
    const taken = await navigator.wakeLock?.request('screen').catch(() => null);
    if (closed) void taken?.release();
    else lock = taken ?? null;
  }

  document.addEventListener('visibilitychange', take);
  void take();
  return () => {
    closed = true;
    document.removeEventListener('visibilitychange', take);
    void lock?.release();
  };
}
