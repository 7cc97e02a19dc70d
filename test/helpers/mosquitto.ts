/** Debian's Mosquitto: the broker, and its command line clients. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { freePort } from './ports.ts';

/** Daemons are in sbin, which is not on everybody's path. */
const MOSQUITTO = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';

export interface Mosquitto {
  /** mqtt:// */
  url: string;
  /** ws:// */
  webSocketUrl: string;
  port: number;
  stop(): Promise<void>;
}

/**
 * Starts a Mosquitto that keeps nothing on disk.
 * @param port a free one unless given
 * @param guard who may use it, with the name as password, and by which rules; anyone unless given
 */
export async function startMosquitto(
  port?: number,
  guard?: { acl: string; users: string[] },
): Promise<Mosquitto> {
  const tcp = port ?? (await freePort());
  const webSocket = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'plntry-mosquitto-'));
  // Started as root it changes to a user of its own.
  chmodSync(folder, 0o755);
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(
    config,
    [
      `listener ${tcp} 127.0.0.1`,
      `listener ${webSocket} 127.0.0.1`,
      'protocol websockets',
      ...(guard ? guarded(folder, guard) : ['allow_anonymous true']),
      'persistence false',
      'set_tcp_nodelay true',
      '',
    ].join('\n'),
  );
  const child = spawn(MOSQUITTO, ['-c', config, '-v'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = async () => {
    // With its WebSocket listener it does not always hear SIGTERM.
    await end(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  onTestFinished(stop);
  await lineOf(child, child.stderr, /mosquitto version .* running/);
  child.stderr.resume();
  return {
    url: `mqtt://127.0.0.1:${tcp}`,
    webSocketUrl: `ws://127.0.0.1:${webSocket}`,
    port: tcp,
    stop,
  };
}

/** Lines of its configuration. */
function guarded(folder: string, { acl, users }: { acl: string; users: string[] }): string[] {
  const [rules, passwords] = [join(folder, 'acl'), join(folder, 'passwords')];
  writeFileSync(rules, acl);
  writeFileSync(passwords, users.map((user) => `${user}:${user}\n`).join(''));
  spawnSync('mosquitto_passwd', ['-U', passwords]);
  for (const file of [rules, passwords]) chmodSync(file, 0o644);
  return ['allow_anonymous false', `acl_file ${rules}`, `password_file ${passwords}`];
}

export interface Subscriber {
  pid: number;
  /** The next line that it prints, `topic payload`, of those not yet taken. */
  next(): Promise<string>;
}

/** Debian's mosquitto_sub, after its subscription is acknowledged. */
export async function mosquittoSub(port: number, topic: string, ...args: string[]): Promise<Subscriber> {
  // Without stdbuf it would keep its first lines to itself, as programs do that write to a pipe.
  const child = spawn(
    'stdbuf',
    ['-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', String(port), '-t', topic, '-v', '-d', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => end(child, 'SIGKILL'));
  const lines: string[] = [];
  const takers: ((line: string) => void)[] = [];
  const subscribed = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    // -d mixes what the client does with what it receives.
    if (line.startsWith('Subscribed (mid')) subscribed.resolve();
    if (/^(Client |Subscribed )/.test(line)) return;
    const taker = takers.shift();
    if (taker) taker(line);
    else lines.push(line);
  });
  child.once('exit', (status) => subscribed.reject(new Error(`mosquitto_sub ended with ${status}`)));
  await subscribed.promise;
  return {
    pid: child.pid as number,
    next() {
      const line = lines.shift();
      return line === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(line);
    },
  };
}

/** Debian's mosquitto_pub; rejects when it does not end well. */
export async function mosquittoPub(
  port: number,
  topic: string,
  message: string,
  ...args: string[]
): Promise<void> {
  const child = spawn(
    'mosquitto_pub',
    ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-m', message, ...args],
    { stdio: 'inherit' },
  );
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`mosquitto_pub ended with ${status}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Resolves when a program prints a line; rejects when it ends before. */
function lineOf(child: ChildProcess, stream: NodeJS.ReadableStream, wanted: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    createInterface(stream).on('line', (line) => {
      seen += `${line}\n`;
      if (wanted.test(line)) resolve();
    });
    child.once('error', reject);
    child.once('exit', (status) => reject(new Error(`ended with ${status}: ${seen}`)));
  });
}
