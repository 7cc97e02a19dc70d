/** One attempt after the other without waiting for each to fail, as in RFC 8305 ("happy eyeballs"). */

/** The next attempt begins when the one before has taken this long, ms. RFC 8305, section 5. */
const STAGGER_MS = 250;

/**
 * The first attempt that succeeds; the others are given up.
 * @param discard is handed what came too late
 * @throws the error of the first attempt, when all have failed
 */
export async function firstOf<C, R>(
  choices: C[],
  attempt: (choice: C, signal: AbortSignal) => Promise<R>,
  discard: (late: R) => void,
  signal: AbortSignal,
): Promise<R> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let won = false;
  const attempts: Promise<R>[] = [];
  try {
    for (const [index, choice] of choices.entries()) {
      const running = attempt(choice, both).then((result) => {
        if (won) discard(result);
        won = true;
        return result;
      });
      attempts.push(running);
      if (index === choices.length - 1) break;
      await Promise.race([running.catch(() => {}), after(STAGGER_MS)]);
      if (won || signal.aborted) break;
    }
    return await Promise.any(attempts);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    stop.abort(new Error('another address was faster'));
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
