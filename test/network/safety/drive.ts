/** Somebody who drives at speed, in a real browser over a network with NAT at both ends, and how that goes on. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openConsole, trust } from '../console.ts';
import { type Scene, startScene } from '../faults.ts';
import type { Lab } from '../lab.ts';
import { startVehicle } from '../product.ts';
import { type CarTrace, traceCar } from './car-trace.ts';
import { hasThrottle } from './figures.ts';

const PROBE = await readFile(new URL('./probe.js', import.meta.url), 'utf8');
/** So long the throttle is tried before the page is asked again, ms. */
const TRY_MS = 20_000;

/** What probe.js puts into the page. */
interface Probe {
  sign: number;
  last: { lease: number } | null;
  gap: number;
  intrude(ms: number, lease: number): Promise<Poured>;
  forge(ms: number): Promise<Poured>;
}

declare global {
  /** In the page. */
  var probe: Probe;
}

/** Commands that were sent, and of how many the vehicle has said that they came. */
export interface Poured {
  sent: number;
  seen: number;
}

export interface Driving extends Scene {
  car: CarTrace;
  /** How fast the car is to be when a fault strikes, km/h. */
  kmh: number;
  /** A vehicle in place of the one that is gone, with a trace of its own. */
  newVehicle(): Promise<void>;
  /** The console in a new tab. */
  newTab(): Promise<void>;
  /** The console in a browser of its own. */
  newBrowser(): Promise<void>;
  /** Another operator's console, in the same browser. */
  secondOperator(): Promise<Page>;
}

export async function startDriving(lab: Lab, kmh: number): Promise<Driving> {
  let vehicles = 0;
  const newTrace = () => traceCar(join(lab.folder, `car-${++vehicles}.jsonl`));
  const variables = (car: CarTrace) => ({ PLNTRY_CAR_TRACE: car.file });
  const car = newTrace();
  const scene = await startScene(lab, 'port-preserving', PROBE, variables(car));
  const { server, garage, office } = scene;
  let browser = scene.console.page.context().browser();
  if (!browser) throw new Error('the page has no browser');
  const driving: Driving = {
    ...scene,
    car,
    kmh,
    async newVehicle() {
      const car = newTrace();
      driving.vehicle = await startVehicle(garage, { server, env: variables(car) });
      driving.car.close();
      driving.car = car;
    },
    async newTab() {
      if (browser) driving.console = await openConsole(browser, server, 'car1', PROBE);
    },
    async newBrowser() {
      browser = await office.chromium(trust(server));
      await driving.newTab();
    },
    async secondOperator() {
      if (!browser) throw new Error('there is no browser');
      const { page, live } = await openConsole(
        browser,
        server,
        'car1',
        `${PROBE}\nwindow.top.probe.sign = -1;`,
      );
      await live();
      return page;
    },
  };
  return driving;
}

export const keyUp = ({ console: { page } }: Driving) => page.keyboard.up('KeyW');

/** Holds the throttle until the car is fast enough, as a driver does who lets go of it when the page asks for that. */
export async function driveAtSpeed(driving: Driving): Promise<void> {
  const { console, car, kmh } = driving;
  const { page } = console;
  await console.live();
  const asked = page.getByText('et go of the throttle').first();
  const isFast = (lines: CarTrace['lines']) =>
    hasThrottle(lines) && (lines.at(-1)?.speed ?? 0) >= kmh / 3.6 ? ('fast' as const) : undefined;
  if (!hasThrottle(car.lines)) await keyUp(driving);
  const fast = car.until(`${kmh} km/h`, 0, isFast);
  for (;;) {
    await page.keyboard.down('KeyW');
    const heldBack = asked.waitFor({ timeout: TRY_MS }).then(() => 'held back' as const);
    // That it isn't asked for is what should be.
    const outcome = await Promise.race([fast, heldBack.catch(() => 'not asked' as const)]);
    if (outcome === 'fast') return;
    await keyUp(driving);
    await asked.waitFor({ state: 'hidden' });
  }
}

/** The car stands, and nobody has the wheel. */
export async function giveBack(driving: Driving): Promise<void> {
  const { page } = driving.console;
  await keyUp(driving);
  const release = page.getByRole('button', { name: 'Release' });
  if (await release.isVisible()) await release.click();
  await untilStanding(driving);
}

export const untilStanding = ({ car }: Driving, from = 0) =>
  car.until('the car stands', from, (lines) => {
    const last = lines.findLast((line) => 'throttle' in line);
    return last?.speed === 0 && last.throttle === 0 ? last : undefined;
  });
