/** Tests that need the lab. */
import { describe } from 'vitest';
import { canRunLab } from './lab.ts';

/**
 * `describe`; where there can be no lab its tests are skipped, and the reason is in its name. It is
 * printed too, since not every reporter shows the names of what is skipped.
 */
export function describeInLab(name: string, tests: () => void): void {
  const reason = canRunLab();
  if (reason) console.warn(`skipped: ${name}: ${reason}`);
  describe.skipIf(reason)(reason ? `${name} (skipped: ${reason})` : name, tests);
}
