/** What befalls networks, brokers and relays while somebody drives: what is noticed, and what comes of it. */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test, vi } from 'vitest';
import { driveUntil, untilNumber } from '../web/page.ts';
import { describeInLab } from './describe-lab.ts';
import { accountOf, FAULTS, type Scene, startScene } from './faults.ts';
import { createLab, type Lab, type NatKind } from './lab.ts';

/** What the car is driven to, km/h. */
const SPEED_KMH = 5;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** In the page: the phases that the link goes through. */
const PHASES = `
  window.phases = [];
  new MutationObserver(() => {
    const phase = document.querySelector('video')?.dataset.link;
    if (phase && phase !== phases.at(-1)) phases.push(phase);
  }).observe(document, { subtree: true, childList: true, attributes: true });
`;

interface InPage {
  phases: string[];
}

describeInLab('recovery', () => {
  describe.each<NatKind>(['port-preserving', 'symmetric'])('both behind a NAT that is %s', (nat) => {
    let lab: Lab;
    let scene: Scene;

    beforeAll(async () => {
      lab = await createLab();
      scene = await startScene(lab, nat, PHASES);
    });
    // One that failed must not leave the next with a key that is down.
    afterEach(() => scene.console.page.keyboard.up('KeyW'));
    afterAll(() => lab?.close());

    const phases = () => scene.console.page.evaluate(() => (window as unknown as InPage).phases);

    async function drives(): Promise<void> {
      await scene.console.live();
      await driveUntil(scene.console.page, SPEED_KMH);
    }

    test.each(FAULTS.filter((fault) => fault.nat === nat))('$name', async ({ name, strike, session }) => {
      const { page } = scene.console;
      onTestFailed(async () => console.error(await accountOf(scene)));
      await drives();
      const before = (await phases()).length;
      const sessionBefore = await scene.console.session();
      scene.heard.heard.length = 0;
      await strike(scene);
      if (name.startsWith('5 s of nothing')) {
        expect((await phases()).slice(before)).toContain('restoring');
        // The car has stopped by itself, and stands though the key is still held.
        await untilNumber(page, 'Speed', (shown) => shown === 0);
        // It can say so while it is cut off from the operator only.
        if (name.includes('operator'))
          await scene.heard.message(/\/safety$/, ({ state }) => state === 'stopped');
      }
      if (name === 'the broker is restarted') {
        // Both are there again, and announce the session that they have.
        await scene.heard.message(/\/peers\/op-/, ({ state }) => state === 'online');
        await scene.heard.message(/\/offer$/, ({ phase }) => phase === 'connected');
      }
      // The car stands, and whoever drove drives on with a fresh press.
      await page.keyboard.up('KeyW');
      await page.getByRole('button', { name: 'Release' }).click();
      await untilNumber(page, 'Speed', (shown) => shown === 0);
      await drives();
      await page.keyboard.up('KeyW');
      const seen = (await phases()).slice(before);
      // Whether it was interrupted for a moment, which a busy machine does too, is the benchmark's.
      if (session === 'untouched') expect(await scene.console.session()).toBe(sessionBefore);
      expect(seen.at(-1) ?? 'connected').toBe('connected');
    });
  });
});
