/** The product in the lab, as users start it: server and vehicle, and a client that hears everything. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { check } from '../../shared/messages.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { type DoctorReport, DoctorReportSchema } from '../../vehicle/doctor/findings.ts';
import { eventually } from '../helpers/eventually.ts';
import type { Host } from './lab.ts';

export { type Console, openConsole, type Pair, trust } from './console.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
/** On the internet a server that starts takes no processor time from vehicle and operator: here it gives way. */
const YIELDING = ['nice', '-n', '10'];
/** Against hanging only, ms. */
const PATIENCE_MS = 80_000;

export interface Program {
  /** Of the program itself: what leads into the namespace becomes it. */
  readonly pid: number;
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
  const args = [
    'serve',
    '--insecure',
    '--host',
    host.address,
    '--port',
    String(port),
    '--mqtt-port',
    String(mqttPort),
  ];
  const start = () => runCli(host, args, options, /plntry is running/, YIELDING);
  let program = await start();
  return {
    url: `http://${host.address}:${port}`,
    mqttUrl: `mqtt://${host.address}:${mqttPort}`,
    get pid() {
      return program.pid;
    },
    printed: () => program.printed(),
    says: (wanted) => program.says(wanted),
    stop: (signal) => program.stop(signal),
    async restart() {
      await program.stop('SIGKILL');
      program = await start();
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
    ['vehicle', '--room', room, '--broker', server.mqttUrl, '--no-drive-log', ...ice],
    options,
    /waiting for operators/,
  );
}

/** What the doctor of a host says of it, towards a server. */
export async function runDoctor(
  host: Host,
  { server, env = {}, args = [] }: ProductOptions & { server: Server },
): Promise<{ status: number; report: DoctorReport }> {
  const all = ['deploy/plntry.ts', 'doctor', '--json', '--server', server.url, ...args];
  const { status, stdout, stderr } = await host.exec(NODE, all, {
    cwd: ROOT,
    env: { ...noneOfOurs(), ...env },
  });
  const parsed = check(DoctorReportSchema, stdout.startsWith('{') ? JSON.parse(stdout) : stderr);
  if (!parsed.ok) throw new Error(`${parsed.reason}: ${stdout}${stderr}`);
  return { status, report: parsed.value };
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
        PATIENCE_MS,
      );
    },
    stop: () => end(child, 'SIGKILL'),
  };
}

/** A command of `plntry` on a host, when it has said that it runs. */
async function runCli(
  host: Host,
  args: string[],
  options: ProductOptions,
  ready: RegExp,
  before: string[] = [],
): Promise<Program> {
  const { iceServers, env, args: more = [] } = options;
  const ice = iceServers ? ['--ice-servers', JSON.stringify(iceServers)] : [];
  const [program = NODE, ...all] = [...before, NODE, 'deploy/plntry.ts', ...args, ...ice, ...more];
  const child = host.spawn(program, all, {
    cwd: ROOT,
    env: { ...noneOfOurs(), XDG_STATE_HOME: `${host.folder}/state`, ...env },
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
  const running: Program = {
    pid: child.pid as number,
    printed: () => text,
    says: (wanted) =>
      Promise.race([
        eventually(
          watchers,
          () => text.match(wanted) ?? undefined,
          () => `never said ${wanted}:\n${text.slice(-1500)}`,
          PATIENCE_MS,
        ),
        ended.then(([status]) => Promise.reject(new Error(`ended with ${status}:\n${text}`))),
      ]),
    stop: (signal = 'SIGTERM') => end(child, signal),
  };
  await running.says(ready);
  return running;
}

/** Empty counts as unset. */
function noneOfOurs(): Record<string, string> {
  const own = Object.keys(process.env).filter((name) => name.startsWith('PLNTRY_') || name === 'PORT');
  return Object.fromEntries(own.map((name) => [name, '']));
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
