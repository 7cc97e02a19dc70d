/** Debian's coturn, listening on loopback and relaying from this machine's address. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { IceServer } from '../../shared/server-api.ts';
import { freePort } from './ports.ts';

const SECRET = 'of-this-test';

export interface TurnServer {
  /** Its `static-auth-secret`. */
  secret: string;
  stun: string;
  udp: string;
  tcp: string;
  /** With a certificate for `localhost` that nobody knows. */
  tls: string;
  /** The certificate, to be trusted: a file in PEM. */
  ca: string;
  /** Entries for these URLs, with a login that is valid, or made with another secret. */
  servers(urls: string[], secret?: string): IceServer[];
  /** Resolves with the first line that it prints from now on and that matches. */
  prints(wanted: RegExp): Promise<string>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** @param more options of turnserver */
export async function startTurnServer(...more: string[]): Promise<TurnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-turn-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const ca = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  makeCertificate(ca, key);
  const args = [
    '-n',
    '--no-cli',
    '--no-dtls',
    '--listening-ip=127.0.0.1',
    `--relay-ip=${ownAddress()}`,
    `--listening-port=${port}`,
    `--tls-listening-port=${tlsPort}`,
    `--cert=${ca}`,
    `--pkey=${key}`,
    '--use-auth-secret',
    `--static-auth-secret=${SECRET}`,
    '--realm=test.example',
    `--userdb=${folder}/db`,
    `--pidfile=${folder}/pid`,
    '--log-file=stdout',
    '--simple-log',
    '--verbose',
    ...more,
  ];
  const lines = new Set<(line: string) => void>();
  let child = await start();

  async function start(): Promise<ChildProcess> {
    const started = spawn('turnserver', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => end(started));
    const all: string[] = [];
    const missing = new Set([`UDP ${port}`, `TCP ${port}`, `TCP ${tlsPort}`]);
    createInterface(started.stdout).on('line', (line) => {
      all.push(line);
      // Its listener for TCP takes TLS too.
      const [, kind, at] = line.match(/(UDP|TCP) listener opened on ?: \S+:(\d+)/) ?? [];
      missing.delete(`${kind} ${at}`);
      for (const listener of [...lines]) listener(line);
    });
    await new Promise<void>((resolve, reject) => {
      const check = () => missing.size === 0 && resolve();
      lines.add(check);
      started.once('exit', (status) =>
        reject(new Error(`turnserver ended with ${status}: ${all.join('\n')}`)),
      );
    });
    return started;
  }

  return {
    secret: SECRET,
    stun: `stun:127.0.0.1:${port}`,
    udp: `turn:127.0.0.1:${port}?transport=udp`,
    tcp: `turn:127.0.0.1:${port}?transport=tcp`,
    tls: `turns:localhost:${tlsPort}?transport=tcp`,
    ca,
    servers(urls, secret = SECRET) {
      const username = `${Math.round(Date.now() / 1000) + 600}:car1`;
      const credential = createHmac('sha1', secret).update(username).digest('base64');
      return [{ urls, username, credential }];
    },
    prints: (wanted) =>
      new Promise((resolve) => {
        const check = (line: string) => {
          if (!wanted.test(line)) return;
          lines.delete(check);
          resolve(line);
        };
        lines.add(check);
      }),
    stop: () => end(child),
    async restart() {
      await end(child);
      child = await start();
    },
  };
}

/** The one that peers have too: a relay on loopback would not be reached from there. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

function makeCertificate(cert: string, key: string): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const { status, stderr } = spawnSync('openssl', ['req', ...kind, ...name, '-keyout', key, '-out', cert]);
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
