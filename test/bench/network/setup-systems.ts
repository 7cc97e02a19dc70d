/** What is compared: each system as a car that waits, and as an operator's page that is about to click. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import type { Host, Lab } from '../../network/lab.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const RIVALS = fileURLToPath(new URL('./rivals', import.meta.url));
/** A secure place, as cameras and WebCrypto want it; nobody listens there, the pages come from a folder. */
const RIVALS_AT = 'http://localhost:1';
const WEB_PORT = 8080;
const MQTT_PORT = 1883;
const PEERJS_PORT = 9000;
/** A hand needs some time to reach the car, and rests on it before it clicks, ms. */
const TRAVEL_MS = 300;
const HOVER_MS = 400;

/** What is used of a page's own document; there is no DOM in this project's tests. */
interface PageDocument {
  body: { prepend(element: object): void };
  createElement(name: string): object;
}

export type Kind = 'cold' | 'warm';

export interface System {
  name: string;
  /** The one to beat, another one, and ours with a browser or our agent as the car. */
  role: 'beat' | 'rival' | 'browser' | 'agent';
  /** A page that is ready for its click. */
  open(context: BrowserContext, kind: Kind): Promise<Page>;
  click(page: Page, kind: Kind): Promise<void>;
}

/** @param delayMs one way, of each host's line */
export async function startSystems(lab: Lab, delayMs: number) {
  const server = await lab.publicHost('server', { link: { delayMs } });
  const car = await lab.host('car', { nat: 'none', link: { delayMs } });
  const operator = await lab.host('operator', { nat: 'none', link: { delayMs } });
  const web = `http://${server.address}:${WEB_PORT}`;

  const data = await mkdtemp(join(tmpdir(), 'plntry-bench-setup-'));
  // The others ask nobody who they are.
  const serve = ['deploy/plntry.ts', 'serve', '--host', server.address, '--insecure', '--data', data];
  serve.push('--allow-origin', RIVALS_AT);
  await runProgram(server, serve, /http:/);
  await runProgram(server, ['node_modules/peer/dist/bin/peerjs.js', '--port', `${PEERJS_PORT}`], /Started/);
  const broker = `mqtt://${server.address}:${MQTT_PORT}`;
  const agent = ['deploy/plntry.ts', 'vehicle', '--room', 'car1', '--broker', broker, '--server', web];
  agent.push('--no-drive-log', '--data', data);
  await runProgram(car, agent, /waiting for operators/);

  const rivals = await buildRivals();
  const carBrowser = await car.chromium([`--unsafely-treat-insecure-origin-as-secure=${web}`]);
  const phone = await carBrowser.newPage();
  await phone.goto(`${web}/vehicle/phone1`);
  await phone.getByRole('button', { name: /start/i }).click();
  for (const system of ['peerjs', 'trystero']) {
    await openRival(await rivalContext(carBrowser, rivals), system, 'car', server.address);
  }
  const operatorBrowser = await operator.chromium();

  const rival = (system: string, name: string, role: System['role']): System => ({
    name,
    role,
    async open(context, kind) {
      await serveRivals(context, rivals);
      const page = await openRival(context, system, 'operator', server.address);
      if (kind === 'warm') {
        await page.evaluate(() =>
          (globalThis as unknown as { openSignalling(): Promise<void> }).openSignalling(),
        );
        await sleep(TRAVEL_MS + HOVER_MS);
      }
      return page;
    },
    click: (page) => page.getByRole('button').click(),
  });

  const ours = (room: string, name: string, role: System['role']): System => ({
    name,
    role,
    async open(context, kind) {
      const page = await context.newPage();
      if (kind === 'cold') {
        // A page without a connection, into which the console's code is loaded as another page has it.
        await page.goto(`${web}/rooms/none`);
        await page.getByRole('heading').first().waitFor();
        const code = await page.evaluate(() =>
          performance
            .getEntriesByType('resource')
            .map(({ name }) => name)
            .filter((name) => name.endsWith('.js')),
        );
        await page.goto(`${web}/nowhere/at/all`);
        await page.getByRole('link').waitFor();
        await page.evaluate(
          async ([href, ...files]) => {
            await Promise.all(files.map((file) => import(file)));
            const { document } = globalThis as unknown as { document: PageDocument };
            document.body.prepend(Object.assign(document.createElement('a'), { href, textContent: 'Go' }));
          },
          [`/rooms/${room}`, ...code],
        );
        return page;
      }
      await page.goto(web);
      const row = page.getByRole('link', { name: room });
      await row.waitFor();
      const box = await row.boundingBox();
      if (!box) throw new Error(`${room} is not on the page`);
      await page.mouse.move(box.x + 20, 10);
      await sleep(TRAVEL_MS);
      await page.mouse.move(box.x + 20, box.y + box.height / 2);
      await sleep(HOVER_MS);
      return page;
    },
    async click(page, kind) {
      if (kind === 'cold')
        return page
          .getByText('Go', { exact: true })
          .evaluate((link) => (link as unknown as { click(): void }).click());
      await page.mouse.down();
      await page.mouse.up();
    },
  });

  return {
    browser: operatorBrowser,
    systems: [
      rival('peerjs', 'PeerJS', 'beat'),
      rival('trystero', 'Trystero over MQTT', 'rival'),
      ours('phone1', 'plntry, a browser as the car', 'browser'),
      ours('car1', "plntry's agent", 'agent'),
    ],
    async close() {
      for (const folder of [rivals, data]) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts one of the project's programs and resolves when it has printed what fits. */
async function runProgram(host: Host, args: string[], ready: RegExp): Promise<void> {
  const child = host.spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface(stream).on('line', (line) => {
      said.push(line);
      if (ready.test(line)) started.resolve();
    });
  }
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`${args[0]} ended with ${status}: ${said.slice(-5).join('\n')}`);
  });
  ended.catch(() => {});
  await Promise.race([started.promise, ended]);
}

async function buildRivals(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plntry-rivals-'));
  await build({
    root: RIVALS,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true, target: 'esnext' },
  });
  return folder;
}

async function serveRivals(context: BrowserContext, folder: string): Promise<void> {
  await context.route(`${RIVALS_AT}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = pathname === '/' ? '/index.html' : pathname;
    const contentType = extname(file) === '.js' ? 'text/javascript' : 'text/html';
    await route.fulfill({ body: await readFile(join(folder, file)), contentType });
  });
}

async function rivalContext(browser: Browser, folder: string): Promise<BrowserContext> {
  const context = await browser.newContext();
  await serveRivals(context, folder);
  return context;
}

async function openRival(
  context: BrowserContext,
  system: string,
  role: string,
  server: string,
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${RIVALS_AT}/?${new URLSearchParams({ system, role, server })}`);
  await page.locator('[data-ready]').waitFor();
  return page;
}
