/** A vehicle that is driven from afar, and what can befall the networks between them. */
import type { IceServer } from '../../shared/server-api.ts';
import { type Console, openConsole, trust } from './console.ts';
import { type Coturn, startCoturn } from './coturn.ts';
import type { Host, Lab, NatKind } from './lab.ts';
import { type Listener, listen, type Program, type Server, startServer, startVehicle } from './product.ts';

const USER = { name: 'lab', password: 'of the lab' };
const CUT_MS = 5_000;
/** Each host's line, one way: 50 ms from any of them to any other and back. */
export const DELAY_MS = 12.5;

export interface Scene {
  server: Server;
  coturn: Coturn;
  vehicle: Program;
  console: Console;
  /** At the broker. */
  heard: Listener;
  garage: Host;
  office: Host;
}

/**
 * @param script for the page, before its own
 * @param env variables for the vehicle
 */
export async function startScene(
  lab: Lab,
  nat: NatKind,
  script = '',
  env: Record<string, string> = {},
): Promise<Scene> {
  const link = { delayMs: DELAY_MS };
  const [site, relay, garage, office] = await Promise.all([
    lab.publicHost('site', { link }),
    lab.publicHost('relay', { link }),
    lab.host('garage', { nat, link }),
    lab.host('office', { nat, link }),
  ]);
  const coturn = await startCoturn(relay, { listen: { udp: 3478 }, user: USER });
  const { stun, udp } = coturn.urls as { stun: string; udp: string };
  const login = { username: USER.name, credential: USER.password };
  const iceServers: IceServer[] = [{ urls: stun }, { urls: udp, ...login }];
  const server = await startServer(site, { iceServers });
  const [vehicle, browser, heard] = await Promise.all([
    startVehicle(garage, { server, env }),
    office.chromium(trust(server)),
    listen(site, server),
  ]);
  const console = await openConsole(browser, server, 'car1', script);
  const scene = { server, coturn, vehicle, console, heard, garage, office };
  await console.live().catch(async (error) => {
    throw new Error(`no picture came: ${error.message}\n${await accountOf(scene)}`);
  });
  return scene;
}

/** What each part of a scene has to say, for a failure that nobody watched. */
export async function accountOf({ server, vehicle, console, heard }: Scene): Promise<string> {
  const { page } = console;
  const shown = page.locator('body').textContent({ timeout: 5_000 });
  const video = page.evaluate(() => JSON.stringify({ ...document.querySelector('video')?.dataset }));
  const [text, link] = await Promise.all([shown, video]).catch((error) => [String(error), '']);
  const messages = heard.heard.slice(-60).map((one) => `${one.topic} ${one.text.slice(0, 400)}`);
  return [
    `page: ${link}\n${text}`,
    `vehicle:\n${vehicle.printed().slice(-6_000)}`,
    `server:\n${server.printed().slice(-3_000)}`,
    `heard:\n${messages.join('\n')}`,
  ].join('\n\n');
}

export interface Fault {
  name: string;
  nat: NatKind;
  /** Resolves with the time from which it counts, ms since the epoch: that of the fault, or of the path's return. */
  strike(scene: Scene): Promise<number>;
  /**
   * What becomes of the session: nothing at all, or it is restored or replaced by a new one, whichever works
   * first. After 4 s of nothing the end that still has the broker begins a new one, so 5 s may end in either.
   */
  session: 'untouched' | 'any';
  /** Until video and control flow again, p95, ms; null where nothing is asked for. */
  limitMs: number | null;
}

export const FAULTS: Fault[] = [
  {
    name: "the operator's address changes",
    nat: 'port-preserving',
    strike: ({ office }) => now(() => office.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the vehicle's address changes",
    nat: 'port-preserving',
    strike: ({ garage }) => now(() => garage.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the operator's network gets another address",
    nat: 'port-preserving',
    strike: ({ office }) => now(() => office.router?.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the vehicle's network gets another address",
    nat: 'port-preserving',
    strike: ({ garage }) => now(() => garage.router?.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the operator's NAT forgets",
    nat: 'port-preserving',
    strike: ({ office }) => now(() => office.router?.rebind()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the vehicle's NAT forgets",
    nat: 'port-preserving',
    strike: ({ garage }) => now(() => garage.router?.rebind()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "5 s of nothing on the operator's line, from its end",
    nat: 'port-preserving',
    strike: ({ office }) => cut(office),
    session: 'any',
    limitMs: 1_000,
  },
  {
    name: "5 s of nothing on the vehicle's line, from its end",
    nat: 'port-preserving',
    strike: ({ garage }) => cut(garage),
    session: 'any',
    limitMs: 1_000,
  },
  {
    name: 'the broker is restarted',
    nat: 'port-preserving',
    strike: ({ server }) => now(() => server.restart()),
    session: 'untouched',
    limitMs: 0,
  },
  {
    name: "the relayed operator's address changes",
    nat: 'symmetric',
    strike: ({ office }) => now(() => office.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: "the relayed vehicle's address changes",
    nat: 'symmetric',
    strike: ({ garage }) => now(() => garage.changeAddress()),
    session: 'any',
    limitMs: 2_000,
  },
  {
    name: 'coturn is restarted, relayed',
    nat: 'symmetric',
    strike: ({ coturn }) => now(() => coturn.restart()),
    session: 'any',
    limitMs: null,
  },
];

async function now(strike: () => Promise<void> | undefined): Promise<number> {
  const at = Date.now();
  await strike();
  return at;
}

async function cut({ link }: Host): Promise<number> {
  await link.cut();
  await new Promise((resolve) => setTimeout(resolve, CUT_MS));
  await link.restore();
  return Date.now();
}
