/** Lines between a network and the internet: plain veth, or with a quality that can change meanwhile. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './namespace.ts';

const PYTHON = '/usr/bin/python3';
const SHAPER = fileURLToPath(new URL('./shaper.py', import.meta.url));

/** What is left out stays as it is; at first: no delay, no loss, no limit, a queue of 500 ms. */
export interface LinkQuality {
  /** One way, in each direction, ms. */
  delayMs?: number | { up: number; down: number };
  /** Random loss in each direction, 0 to 100. */
  lossPct?: number;
  /** Bottleneck in each direction, kbit/s of IP packets; 0 is none. */
  kbps?: number | { up: number; down: number };
  /** Length of the drop-tail queue in front of the bottleneck, in ms at its rate. */
  queueMs?: number;
}

/** One direction since the last reset. */
export interface WayStats {
  /** How long that is, ms. */
  ms: number;
  /** Carried to the other end. */
  bytes: number;
  packets: number;
  /** Packets that found the queue full, that the random loss took, and that came during a cut. */
  queueDrops: number;
  lost: number;
  cutDrops: number;
  /** How long what is queued takes at the present rate: now, and at most, ms. */
  fillMs: number;
  maxFillMs: number;
  /** Longest time for which the queue was at least 90 % full without a pause, ms. */
  longestFullMs: number;
  /** Each 100 ms: the end of it (CLOCK_MONOTONIC, ms), most fill (ms), bytes carried. */
  samples: [atMs: number, fillMs: number, bytes: number][];
}

export interface Link {
  /** Only of a link that was made with a quality. */
  set(quality: LinkQuality): Promise<void>;
  /** Nothing passes, and neither end is told. What is under way is lost. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Keeps back what goes up, until it is let go all at once. Only of a link that was made with a quality. */
  hold(): Promise<void>;
  letGo(): Promise<void>;
  /** Up is from the host to the internet. Only of a link that was made with a quality. */
  stats(options?: { reset: boolean }): Promise<{ up: WayStats; down: WayStats }>;
}

/** An interface of a namespace, and the one it leads to. */
export interface Ends {
  inner: Namespace;
  innerName: string;
  outer: Namespace;
  outerName: string;
}

export const connect = (ends: Ends, quality?: LinkQuality): Promise<Link> =>
  quality ? shapedLink(ends, quality) : plainLink(ends);

async function plainLink({ inner, innerName, outer, outerName }: Ends): Promise<Link> {
  await outer.ip(
    `link add ${outerName} type veth peer name ${innerName} netns ${inner.pid}`,
    `link set ${outerName} up`,
  );
  await inner.ip(`link set ${innerName} up`);
  const rules = [
    ['FORWARD', '-i', outerName, '-j', 'DROP'],
    ['FORWARD', '-o', outerName, '-j', 'DROP'],
  ];
  const change = async (action: string) => {
    for (const rule of rules) await outer.must('iptables', ['-w', action, ...rule]);
  };
  const unshaped = () => Promise.reject(new Error('this link was made without a quality'));
  const shaping = { set: unshaped, stats: unshaped, hold: unshaped, letGo: unshaped };
  return { ...shaping, cut: () => change('-I'), restore: () => change('-D') };
}

async function shapedLink({ inner, innerName, outer, outerName }: Ends, quality: LinkQuality): Promise<Link> {
  // Made beside the other end, then moved: its name is free only there.
  const moving = `${outerName}i`;
  const child = outer.spawn(PYTHON, ['-u', SHAPER, moving, outerName], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the shaper has no pipes');
  const answers: ((line: string) => void)[] = [];
  createInterface(stdout).on('line', (line) => answers.shift()?.(line));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the shaper has ended')));
  ended.catch(() => {});
  const answer = () => Promise.race([new Promise<string>((resolve) => answers.push(resolve)), ended]);
  const ask = async (command: object) => {
    const line = answer();
    stdin.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await line);
  };

  await answer();
  const set = (change: LinkQuality) => ask({ set: ways(change) }).then(() => {});
  await set(quality);
  await outer.ip(`link set ${outerName} up`, `link set ${moving} netns ${inner.pid} name ${innerName}`);
  await inner.ip(`link set ${innerName} up`);
  return {
    set,
    cut: () => ask({ set: { cut: true } }).then(() => {}),
    restore: () => ask({ set: { cut: false } }).then(() => {}),
    hold: () => ask({ set: { up: { hold: true } } }).then(() => {}),
    letGo: () => ask({ set: { up: { hold: false } } }).then(() => {}),
    stats: ({ reset } = { reset: false }) => ask({ stats: { reset } }),
  };
}

function ways({ kbps, delayMs, ...both }: LinkQuality) {
  const way = (name: 'up' | 'down') => ({
    ...both,
    ...(kbps === undefined ? {} : { kbps: typeof kbps === 'number' ? kbps : kbps[name] }),
    ...(delayMs === undefined ? {} : { delayMs: typeof delayMs === 'number' ? delayMs : delayMs[name] }),
  });
  return { up: way('up'), down: way('down') };
}
