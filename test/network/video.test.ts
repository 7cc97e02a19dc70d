/** The video on a path that gets narrow and wide again: it goes on, is reduced, says so, and comes back. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { picturesChange } from '../web/page.ts';
import { type Console, openConsole, trust } from './console.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab } from './lab.ts';
import { type Listener, listen, startServer, startVehicle } from './product.ts';

const WIDE_KBPS = 4_000;
/** Less than the whole picture needs, 370 kbit/s. */
const NARROW_KBPS = 300;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describeInLab('video', () => {
  let lab: Lab;
  let car: Host;
  let console: Console;
  let heard: Listener;

  beforeAll(async () => {
    lab = await createLab();
    const site = await lab.publicHost('site');
    car = await lab.host('car', { nat: 'none', link: { delayMs: 25, kbps: WIDE_KBPS, queueMs: 500 } });
    const office = await lab.host('office', { nat: 'none' });
    const server = await startServer(site);
    const [browser] = await Promise.all([office.chromium(trust(server)), startVehicle(car, { server })]);
    heard = await listen(site, server, 'rooms/car1/link/#');
    console = await openConsole(browser, server);
    await console.live();
  });
  afterAll(() => lab?.close());

  /** The first that the vehicle says of the path from now on that fits. */
  const link = (fits: (body: Record<string, unknown>) => boolean) => {
    heard.heard.length = 0;
    return heard.message(/^rooms\/car1\/link\/op-/, fits);
  };
  const words = () => console.page.getByText('Video reduced to');

  test('is whole where the path carries it', async () => {
    await link(({ kbps, reduced }) => Number(kbps) > NARROW_KBPS && reduced === undefined);
    expect(await words().count()).toBe(0);
  });

  test('is reduced to what a narrow path carries, goes on, and the console says so', async () => {
    await car.link.set({ kbps: NARROW_KBPS });
    const narrow = await link(({ kbps, reduced }) => Number(kbps) < NARROW_KBPS && reduced !== undefined);
    expect(narrow.reduced).toMatchObject({ width: expect.any(Number), fps: expect.any(Number) });
    await words().waitFor();
    await picturesChange(console.page);
    await console.drive();
  });

  test('is whole again when the path is wide again', async () => {
    await car.link.set({ kbps: WIDE_KBPS });
    await link(({ kbps, reduced }) => Number(kbps) > NARROW_KBPS && reduced === undefined);
    await words().waitFor({ state: 'detached' });
    await picturesChange(console.page);
  });
});
