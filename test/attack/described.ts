/** Attacks as tests, with fewer tries than in the benchmark, and nothing said of times: those are the benchmark's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Attack } from './attack.ts';
import { openRange, type Range } from './range.ts';

/** Against hanging only, ms. */
const PATIENCE_MS = 300_000;

/** @param options of `plntry serve` */
export function describeAttacks(what: string, attacks: readonly Attack[], options: string[] = []): void {
  // It looks at /proc, and attackers come from addresses of their own within 127/8.
  describe.skipIf(process.platform !== 'linux')(what, () => {
    let range: Range;
    beforeAll(async () => {
      range = await openRange(options);
    });
    afterAll(() => range?.close());

    test.for(attacks)('$name', { timeout: PATIENCE_MS }, async (attack, { skip }) => {
      const problem = attack.problem?.();
      if (problem) return skip(problem);
      const { problems } = await range.run(attack, attack.tries.test);
      expect(problems).toEqual([]);
    });
  });
}
