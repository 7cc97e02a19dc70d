/** Debian's coturn on a host of the lab. */
import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Host } from './lab.ts';

export interface CoturnOptions {
  /** Ports to listen on; STUN is answered there too. UDP and TCP, if both, on the same one. */
  listen: { udp?: number; tcp?: number; tls?: number };
  /** The shared secret of which peers get a password for a while; else `user`. */
  secret?: string;
  user?: { name: string; password: string };
  realm?: string;
  /** Of the host's, the first unless given. */
  address?: string;
}

export interface Coturn {
  /** turn: and turns: URLs of what it listens on, and the stun: one. */
  urls: { stun?: string; udp?: string; tcp?: string; tls?: string };
  /** File with its self-signed certificate (PEM), with `tls`. */
  certificate: string;
  /** What it has printed. */
  log(): string;
  /** Resolves with the first line of it, printed already or not, that matches. */
  logged(wanted: RegExp): Promise<string>;
  /** Payload of all datagrams that it relayed, both ways, bytes; resolves when no allocation is left. */
  relayed(): Promise<number>;
  /** Kills it, and starts it again; what it had allocated is gone. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Credentials as coturn's `use-auth-secret` wants them: valid until `expiry`, s since the epoch. */
export function turnCredentials(secret: string, peer: string, expiry: number) {
  const username = `${expiry}:${peer}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

export async function startCoturn(host: Host, options: CoturnOptions): Promise<Coturn> {
  const { listen, secret, user, realm = 'lab.example', address = host.address } = options;
  if (listen.udp && listen.tcp && listen.udp !== listen.tcp) {
    throw new Error('coturn listens for UDP and TCP on the same port');
  }
  const folder = await mkdtemp(join(host.folder, 'coturn-'));
  if (listen.tls) await makeCertificate(host, folder, address);
  const args = [
    '-n',
    '--no-cli',
    '--no-dtls',
    '--fingerprint',
    `--realm=${realm}`,
    `--listening-ip=${address}`,
    `--relay-ip=${address}`,
    `--listening-port=${listen.udp ?? listen.tcp ?? 3478}`,
    `--userdb=${folder}/turndb`,
    `--pidfile=${folder}/pid`,
    '--log-file=stdout',
    '--simple-log',
    '--verbose',
    ...(listen.udp ? [] : ['--no-udp']),
    ...(listen.tcp ? [] : ['--no-tcp']),
    ...(listen.tls
      ? [`--tls-listening-port=${listen.tls}`, `--cert=${folder}/cert.pem`, `--pkey=${folder}/key.pem`]
      : ['--no-tls']),
    ...(secret ? ['--use-auth-secret', `--static-auth-secret=${secret}`] : []),
    ...(user ? ['--lt-cred-mech', `--user=${user.name}:${user.password}`] : []),
  ];
  const listeners = [
    ...(listen.udp ? [`UDP ${listen.udp}`] : []),
    ...(listen.tcp ? [`TCP ${listen.tcp}`] : []),
    ...(listen.tls ? [`TCP ${listen.tls}`] : []),
  ];
  const text: string[] = [];
  const lines = new EventEmitter();

  async function start() {
    // Without stdbuf it would keep its first lines to itself, as programs do that write to a pipe.
    const child = host.spawn('stdbuf', ['-oL', 'turnserver', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    const missing = new Set(listeners);
    await new Promise<void>((resolve, reject) => {
      const heard = (line: string) => {
        text.push(line);
        lines.emit('line', line);
        const opened = line.match(/IPv4\. (?:TLS\/)?(UDP|TCP) listener opened on *: .*:(\d+)$/);
        if (opened && missing.delete(`${opened[1]} ${opened[2]}`) && missing.size === 0) resolve();
      };
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) createInterface(stream).on('line', heard);
      }
      void ended.then(([status]) => reject(new Error(`turnserver ended with ${status}: ${text.join('\n')}`)));
    });
    return { child, ended };
  }

  let running = await start();
  const stop = async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  const at = (port: number) => `${address}:${port}`;
  return {
    urls: {
      ...(listen.udp && { stun: `stun:${at(listen.udp)}`, udp: `turn:${at(listen.udp)}?transport=udp` }),
      ...(listen.tcp && { tcp: `turn:${at(listen.tcp)}?transport=tcp` }),
      ...(listen.tls && { tls: `turns:${at(listen.tls)}?transport=tcp` }),
    },
    certificate: `${folder}/cert.pem`,
    log: () => text.join('\n'),
    logged(wanted) {
      const known = text.find((line) => wanted.test(line));
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => {
        lines.on('line', function look(line: string) {
          if (!wanted.test(line)) return;
          lines.off('line', look);
          resolve(line);
        });
      });
    },
    async relayed() {
      while (allocationsOf(text).size > 0) await once(lines, 'line');
      return relayedBytes(text);
    },
    stop,
    async restart() {
      await stop();
      running = await start();
    },
  };
}

/** Those that have been made and not ended, by coturn's number of the session. */
function allocationsOf(log: string[]): Set<string> {
  const open = new Set<string>();
  for (const line of log) {
    const [, session, what] = line.match(/session (\d+): (new|closed)\b/) ?? [];
    if (session && what === 'new') open.add(session);
    else if (session) open.delete(session);
  }
  return open;
}

/** Of the figures that it gives now and then, each time of what has come since: what peers sent, and what they got. */
function relayedBytes(log: string[]): number {
  const figures = log.flatMap((line) => line.match(/peer usage: .* rb=(\d+), .* sb=(\d+)/)?.slice(1) ?? []);
  return figures.reduce((sum, bytes) => sum + Number(bytes), 0);
}

/** A self-signed one. */
async function makeCertificate(host: Host, folder: string, address: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`, '-days', '2'];
  const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`];
  await host.must('openssl', ['req', '-x509', ...key, ...name, ...files]);
}
