/** What befalls a drive, in the real set-up: what must stop the car does, what must not does not. */
import { afterAll, beforeAll, expect, onTestFailed, test, vi } from 'vitest';
import { describeInLab } from './describe-lab.ts';
import { accountOf } from './faults.ts';
import { createLab, type Lab } from './lab.ts';
import { type Driving, keyUp, startDriving } from './safety/drive.ts';
import { STOPS } from './safety/stops.ts';
import { UNDISTURBED } from './safety/undisturbed.ts';

/** How fast the car is when something befalls it, km/h. */
const SPEED_KMH = 10;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describeInLab('safety', () => {
  let lab: Lab;
  let driving: Driving;

  beforeAll(async () => {
    lab = await createLab();
    driving = await startDriving(lab, SPEED_KMH);
  });
  afterAll(() => lab?.close());

  // Whether it was in time, and whether a busy machine interrupted it, is the benchmark's.
  test.each([...UNDISTURBED, ...STOPS])('$name', async ({ effect, run }) => {
    onTestFailed(async () => console.error(await accountOf(driving)));
    const { stop, problems } = await run(driving);
    expect(problems).toEqual([]);
    if (effect === 'stops') expect(stop?.brake).not.toBeNull();
    if (effect !== 'none') expect(stop).not.toBeNull();
    // Nobody need let go for what is no interruption.
    if (effect === 'stops') await keyUp(driving);
  });
});
