/** Waiting for what a test wants to see, by events. */

/** Against hanging only, ms. */
const PATIENCE_MS = 20_000;

/**
 * Resolves with what `look` finds, now or when one of the watchers is woken.
 * @param problem what to say when that doesn't happen
 * @param patienceMs after which it counts as never
 */
export function eventually<T>(
  watchers: Set<() => void>,
  look: () => T | undefined,
  problem: () => string,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const found = look();
      if (found === undefined) return;
      watchers.delete(check);
      clearTimeout(timer);
      resolve(found);
    };
    const timer = setTimeout(() => {
      watchers.delete(check);
      reject(new Error(problem().slice(0, 2000)));
    }, patienceMs);
    watchers.add(check);
    check();
  });
}
