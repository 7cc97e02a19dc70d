/** A real car with an honest driver on the road, and those who want something else of it; nothing is said of times. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VEHICLE_ATTACKS } from './vehicle/cases/all.ts';
import { openRoad, type Road } from './vehicle/ground.ts';

/** Against hanging only, ms. */
const PATIENCE_MS = 300_000;
const TRIED = VEHICLE_ATTACKS.filter(({ size }) => size.test !== null);

// It looks at /proc.
describe.skipIf(process.platform !== 'linux')(
  'a car is driven on, whoever wants something else of it',
  () => {
    let road: Road;
    beforeAll(async () => {
      road = await openRoad();
    }, PATIENCE_MS);
    afterAll(() => road?.close());

    test.for(TRIED)('$name', { timeout: PATIENCE_MS }, async (attack, { skip }) => {
      const problem = attack.problem?.();
      if (problem) return skip(problem);
      const { problems } = await road.run(attack, attack.size.test ?? 0);
      expect(problems).toEqual([]);
    });
  },
);
