/** What goes over a relay, as the product counts it, beside what the relay and the line have counted themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Coturn, startCoturn } from './coturn.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab } from './lab.ts';
import {
  type Listener,
  listen,
  openConsole,
  type Program,
  startServer,
  startVehicle,
  trust,
} from './product.ts';

const USER = { name: 'lab', password: 'of the lab' };
/** Enough that what ICE and TURN say beside it does not count, bytes. */
const ENOUGH = 3_000_000;
/** ICE's checks and consent go through the relay too, and are not counted. */
const NOT_COUNTED = 0.05;
const LIMIT_KBPS = 200;
/** Beside the video: headers, commands, what the vehicle says over MQTT. */
const OTHER_KBPS = 250;
const LOOK_MS = 3_000;

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

describeInLab('relayed data', () => {
  let lab: Lab;
  let coturn: Coturn;
  let garage: Host;
  let heard: Listener;
  let vehicle: Program;
  let leave: () => Promise<void>;

  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab?.close());

  async function meet(args: string[] = []) {
    const [site, relay, office] = await Promise.all([
      lab.publicHost('site'),
      lab.publicHost('relay'),
      lab.host('office', { nat: 'symmetric' }),
    ]);
    garage = await lab.host('garage', { nat: 'symmetric', link: { delayMs: 5 } });
    coturn = await startCoturn(relay, { listen: { udp: 3478 }, user: USER });
    const turn = { urls: coturn.urls.udp ?? '', username: USER.name, credential: USER.password };
    const server = await startServer(site, { iceServers: [turn], args });
    heard = await listen(site, server);
    vehicle = await startVehicle(garage, { server });
    const browser = await office.chromium(trust(server));
    const console = await openConsole(browser, server);
    await console.live();
    leave = async () => {
      await console.close();
      await vehicle.stop();
    };
    return console;
  }

  test('is counted as coturn counts it', async () => {
    const { page } = await meet();
    // A picture that stands still needs next to nothing.
    await page.keyboard.down('KeyW');
    await heard.message(/\/link\//, ({ relayBytes }) => Number(relayBytes) > ENOUGH);
    await leave();
    const relayed = await coturn.relayed();
    const last = heard.heard.filter(({ topic, text }) => topic.includes('/link/') && text).at(-1);
    const counted = Number(JSON.parse(last?.text ?? '{}').relayBytes);
    expect(counted).toBeLessThanOrEqual(relayed);
    expect(counted).toBeGreaterThan((1 - NOT_COUNTED) * relayed);
    const usage = await heard.message(/\/usage$/, ({ car }) => relayBytesOf(car) === counted);
    expect(usage).toMatchObject({ level: 'fine' });
  });

  test('over the budget: the line carries no more than the limit allows', async () => {
    const budget = ['--relay-budget-car', '1MB', '--relay-budget-action', 'limit'];
    const console = await meet([...budget, '--relay-limit-kbps', String(LIMIT_KBPS)]);
    await console.page.keyboard.down('KeyW');
    await heard.message(/\/usage$/, ({ limitKbps }) => limitKbps === LIMIT_KBPS);
    await heard.message(/\/link\//, ({ kbps }) => Number(kbps) < LIMIT_KBPS + OTHER_KBPS);
    await garage.link.stats({ reset: true });
    await sleep(LOOK_MS);
    const { up } = await garage.link.stats();
    expect((up.bytes * 8) / up.ms).toBeLessThan(LIMIT_KBPS + OTHER_KBPS);
    await console.page
      .getByText(/budget/i)
      .first()
      .waitFor();
    await leave();
  });
});

const relayBytesOf = (car: unknown) => (car as { relayBytes?: number } | undefined)?.relayBytes;
