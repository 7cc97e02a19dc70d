/** Every attack on a running server, with fewer tries than in the benchmark; times are the benchmark's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ATTACKS } from './cases/all.ts';
import { openRange, type Range } from './range.ts';

// It looks at /proc, and attackers come from addresses of their own within 127/8.
describe.skipIf(process.platform !== 'linux')(
  'a server that is attacked lives, and honest clients notice nothing',
  () => {
    let range: Range;
    beforeAll(async () => {
      range = await openRange();
    });
    afterAll(() => range.close());

    test.each(ATTACKS)('$name', { timeout: 90_000 }, async (attack) => {
      const { problems } = await range.run(attack, attack.tries.test);
      expect(problems).toEqual([]);
    });
  },
);
