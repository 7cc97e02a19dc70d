/** The product in the lab, as users start it: server, vehicle, console in a browser, and a client that hears all. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { IceServer } from '../../shared/server-api.ts';
import { live, picturesChange, untilNumber } from '../web/page.ts';
import type { Host } from './lab.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
/** Against hanging only, ms. */
const PATIENCE_MS = 25_000;

export interface Program {
  /** What it has printed so far. */
  printed(): string;
  /** The first match in what it prints. Rejects when it ends without. */
  says(wanted: RegExp): Promise<RegExpMatchArray>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ProductOptions {
  iceServers?: IceServer[];
  /** Variables beside those of this process; nothing of PLNTRY_ or PORT comes from there. */
  env?: Record<string, string>;
  /** More command line options. */
  args?: string[];
}

export interface Server extends Program {
  url: string;
  mqttUrl: string;
  /** Kills it and starts another on the same ports. */
  restart(): Promise<void>;
}

/** Pages, broker and MQTT over WebSocket at one port of a host's address. */
export async function startServer(
  host: Host,
  { port = 80, mqttPort = 1883, ...options }: ProductOptions & { port?: number; mqttPort?: number } = {},
): Promise<Server> {
  buildPages();
  const args = ['serve', '--host', host.address, '--port', String(port), '--mqtt-port', String(mqttPort)];
  let program = await runCli(host, args, options, /plntry is running/);
  return {
    url: `http://${host.address}:${port}`,
    mqttUrl: `mqtt://${host.address}:${mqttPort}`,
    printed: () => program.printed(),
    says: (wanted) => program.says(wanted),
    stop: (signal) => program.stop(signal),
    async restart() {
      await program.stop('SIGKILL');
      program = await runCli(host, args, options, /plntry is running/);
    },
  };
}

/** A simulated vehicle, when it has reached its broker. It asks the server for ICE servers unless given some. */
export function startVehicle(
  host: Host,
  { room = 'car1', server, ...options }: ProductOptions & { room?: string; server: Server },
): Promise<Program> {
  const ice = options.iceServers ? [] : ['--server', server.url];
  return runCli(
    host,
    ['vehicle', '--room', room, '--broker', server.mqttUrl, ...ice],
    options,
    /waiting for operators/,
  );
}

export interface Console {
  page: Page;
  /** Resolves when the picture is live and changes. */
  live(): Promise<void>;
  /** Holds the key until the vehicle is faster than this, km/h; then lets go. */
  drive(kmh?: number): Promise<void>;
  /** The path as the page has it in words. */
  pathHere(): Promise<string>;
  /** The pair in use, from the browser's own statistics. */
  pair(): Promise<Pair | null>;
  close(): Promise<void>;
}

/** As https://www.w3.org/TR/webrtc-stats/ has them. */
export interface Pair {
  local: { candidateType: string; protocol: string; relayProtocol?: string };
  remote: { candidateType: string; protocol: string };
}

/** What a browser needs to treat a plain http: page as it treats https:. */
export const trust = (server: Server): string[] => [
  `--unsafely-treat-insecure-origin-as-secure=${server.url}`,
  '--ignore-certificate-errors',
];

/** Opens a room's console in a browser that was started with `trust`. */
export async function openConsole(browser: Browser, server: Server, room = 'car1'): Promise<Console> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(keepConnections);
  await page.goto(`${server.url}/rooms/${room}`);
  return {
    page,
    async live() {
      await live(page);
      await picturesChange(page);
    },
    async drive(kmh = 5) {
      await page.keyboard.down('KeyW');
      await untilNumber(page, 'Speed', (shown) => shown > kmh);
      await page.keyboard.up('KeyW');
    },
    async pathHere() {
      const details = page.getByRole('button', { name: 'Details' });
      if (await details.isVisible()) await details.click();
      const fact = page.locator('dl.facts div', { hasText: /^Path here/ }).locator('dd');
      await fact.getByText('·').waitFor();
      return (await fact.textContent()) ?? '';
    },
    pair: () => page.evaluate(pairInUse),
    close: () => context.close(),
  };
}

type Keeping = { connections: RTCPeerConnection[] };

/** On a page, before its own scripts: keeps hold of the connections that it makes. */
function keepConnections() {
  const connections: RTCPeerConnection[] = [];
  Object.assign(window, { connections });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args: ConstructorParameters<typeof RTCPeerConnection>) {
      super(...args);
      connections.push(this);
    }
  };
}

/** On a page: the pair of the connection that it made last and that works. */
async function pairInUse(): Promise<Pair | null> {
  const { connections } = window as unknown as Keeping;
  const connection = connections.filter(({ connectionState }) => connectionState === 'connected').at(-1);
  if (!connection) return null;
  const stats = new Map((await connection.getStats()) as unknown as Map<string, Record<string, string>>);
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId ?? '');
  const local = stats.get(pair?.localCandidateId ?? '');
  const remote = stats.get(pair?.remoteCandidateId ?? '');
  return local && remote ? ({ local, remote } as unknown as Pair) : null;
}

export interface Listener {
  heard: { topic: string; text: string }[];
  /** The first message, of those heard already too, that fits. */
  message(topic: RegExp, fits?: (body: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** Hears everything at the broker, from a host. */
export async function listen(host: Host, server: Server, filter = 'rooms/#'): Promise<Listener> {
  const { hostname, port } = new URL(server.mqttUrl);
  const args = ['-oL', 'mosquitto_sub', '-h', hostname, '-p', port, '-t', filter, '-v', '-d'];
  const child = host.spawn('stdbuf', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: Listener['heard'] = [];
  const watchers = new Set<() => void>();
  const subscribed = Promise.withResolvers<void>();
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => {
      // -d mixes what the client does with what it receives.
      if (line.startsWith('Subscribed (mid')) subscribed.resolve();
      if (/^(Client |Subscribed )/.test(line)) return;
      const [topic = ''] = line.split(' ', 1);
      heard.push({ topic, text: line.slice(topic.length + 1) });
      for (const watcher of [...watchers]) watcher();
    });
  }
  void once(child, 'exit').then(([status]) =>
    subscribed.reject(new Error(`mosquitto_sub ended with ${status}`)),
  );
  await subscribed.promise;
  return {
    heard,
    message(topic, fits = () => true) {
      const look = () => {
        for (const { topic: at, text } of heard) {
          const body = topic.test(at) && text.startsWith('{') ? JSON.parse(text) : null;
          if (body && fits(body)) return body;
        }
      };
      return eventually(
        watchers,
        look,
        () => `never heard: ${topic}; heard ${heard.map((each) => each.topic)}`,
      );
    },
    stop: () => end(child, 'SIGKILL'),
  };
}

/** A command of `plntry` on a host, when it has said that it runs. */
async function runCli(host: Host, args: string[], options: ProductOptions, ready: RegExp): Promise<Program> {
  const { iceServers, env, args: more = [] } = options;
  const ice = iceServers ? ['--ice-servers', JSON.stringify(iceServers)] : [];
  const own = Object.keys(process.env).filter((name) => name.startsWith('PLNTRY_') || name === 'PORT');
  const child = host.spawn(NODE, ['deploy/plntry.ts', ...args, ...ice, ...more], {
    cwd: ROOT,
    env: { ...Object.fromEntries(own.map((name) => [name, ''])), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      for (const watcher of [...watchers]) watcher();
    });
  }
  const ended = once(child, 'exit');
  const program: Program = {
    printed: () => text,
    says: (wanted) =>
      Promise.race([
        eventually(
          watchers,
          () => text.match(wanted) ?? undefined,
          () => `never said ${wanted}:\n${text}`,
        ),
        ended.then(([status]) => Promise.reject(new Error(`ended with ${status}:\n${text}`))),
      ]),
    stop: (signal = 'SIGTERM') => end(child, signal),
  };
  await program.says(ready);
  return program;
}

/** Those of `npm run build`, when the sources have changed. */
function buildPages(): void {
  const script = `${ROOT}/deploy/setup.js`;
  // Locked, since several tests may come at the same time.
  const { status, stdout, stderr } = spawnSync('flock', [script, NODE, script, 'serve'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the pages could not be built: ${stdout}${stderr}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Resolves with what `look` finds, now or when one of the watchers is woken. */
function eventually<T>(
  watchers: Set<() => void>,
  look: () => T | undefined,
  problem: () => string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const found = look();
      if (found === undefined) return;
      watchers.delete(check);
      clearTimeout(timer);
      resolve(found);
    };
    const timer = setTimeout(() => {
      watchers.delete(check);
      reject(new Error(problem()));
    }, PATIENCE_MS);
    watchers.add(check);
    check();
  });
}
