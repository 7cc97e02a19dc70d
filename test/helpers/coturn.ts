/** Debian's coturn on this machine, and its test client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { freePort } from './ports.ts';

export interface LocalCoturn {
  host: string;
  port: number;
  /** turn: URL, over UDP. */
  url: string;
  /** The first line that it prints, of those printed already too, that matches. */
  logged(wanted: RegExp): Promise<RegExpMatchArray>;
}

/** Starts one that knows peers by credentials made with the secret, and forwards to this machine too. */
export async function startCoturn(secret: string): Promise<LocalCoturn> {
  const port = await freePort();
  const host = '127.0.0.1';
  const folder = mkdtempSync(join(tmpdir(), 'plntry-coturn-'));
  const options = [
    '-n --no-cli --no-tls --no-dtls --no-tcp --fingerprint --allow-loopback-peers',
    `--realm=plntry.test --listening-ip=${host} --relay-ip=${host} --listening-port=${port}`,
    `--userdb=${folder}/db --pidfile=${folder}/pid --log-file=stdout --simple-log --verbose`,
    `--use-auth-secret --static-auth-secret=${secret}`,
  ];
  // Without stdbuf it would keep its first lines to itself, as programs do that write to a pipe.
  const args = ['-oL', 'turnserver', ...options.flatMap((line) => line.split(' '))];
  const child = spawn('stdbuf', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  let text = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      text += `${line}\n`;
      for (const watcher of [...watchers]) watcher();
    });
  }
  const logged = (wanted: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = text.match(wanted);
        if (!found) return;
        watchers.delete(check);
        resolve(found);
      };
      watchers.add(check);
      check();
      void ended.then(() => reject(new Error(`coturn ended before ${wanted}:\n${text.slice(-2_000)}`)));
    });
  await logged(/UDP listener opened on/);
  return { host, port, url: `turn:${host}:${port}?transport=udp`, logged };
}

/** Debian's turnutils_uclient: whether packets go through the TURN server with this login. */
export async function turnWorks(
  { host, port }: LocalCoturn,
  username: string,
  credential: string,
): Promise<boolean> {
  const options = `-y -n 1 -m 1 -l 100 -p ${port}`.split(' ');
  const child = spawn('turnutils_uclient', [...options, '-u', username, '-w', credential, host], {
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [status] = await once(child, 'exit');
  return status === 0;
}
