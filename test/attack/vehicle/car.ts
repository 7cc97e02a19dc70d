/** The car under attack: `plntry vehicle` as a process of its own, which takes operators of its fleet alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { keyFiles } from '../../../deploy/data-folder.ts';
import { newKey, publicKeyOf } from '../../../shared/signature.ts';
import { startCli } from '../../helpers/process.ts';
import { createServerLog, type ServerLog } from '../server-log.ts';

export interface Car {
  room: string;
  /** Its public key. */
  key: string;
  pid: number;
  /** Where its debugger listens; only this machine reaches it. */
  inspectorUrl: string;
  log: ServerLog;
  /** Whether it still runs. */
  lives(): boolean;
  stop(): Promise<void>;
}

export interface CarOptions {
  mqttUrl: string;
  room: string;
  /** Null where the broker lets anybody in. */
  token: string | null;
  /** The fleet's public key. */
  fleetKey: string;
}

/** Where it keeps its key, so that it is the same car when it has to be started again. */
export function newCarFolder(room: string) {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-car-'));
  const file = keyFiles(folder, room).own;
  const secretKey = newKey();
  mkdirSync(dirname(file), { mode: 0o700, recursive: true });
  writeFileSync(file, `${secretKey}\n`, { mode: 0o600 });
  return {
    folder,
    key: publicKeyOf(secretKey),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @param more options of `plntry vehicle` */
export async function startCar(
  { mqttUrl, room, token, fleetKey }: CarOptions,
  { folder, key }: { folder: string; key: string },
  more: string[] = [],
): Promise<Car> {
  const log = createServerLog();
  const options = ['--room', room, '--broker', mqttUrl, '--data', folder, '--fleet-key', fleetKey];
  // The debugger is how its garbage is collected before its memory is looked at.
  const environment = {
    NODE_OPTIONS: '--inspect=127.0.0.1:0',
    ...(token === null ? {} : { PLNTRY_TOKEN: token }),
  };
  // How fast it is on a busy machine is not what is looked at.
  const rest = ['--max-operators', '64', '--latency-ceiling', '10000', '--no-drive-log', ...more];
  const cli = startCli(['vehicle', ...options, ...rest], environment, log.take);
  let alive = true;
  void cli.ended.then(() => {
    alive = false;
    log.take('\n');
  });
  const ended = cli.ended.then(({ status }) => {
    throw new Error(`the vehicle ended with ${status}:\n${cli.stdout()}\n${log.text()}`);
  });
  ended.catch(() => {});
  await Promise.race([log.saying(/^waiting for operators/), ended]);
  return {
    room,
    key,
    pid: cli.pid,
    inspectorUrl: /ws:\/\/\S+/.exec(log.text())?.[0] ?? '',
    log,
    lives: () => alive,
    async stop() {
      cli.kill('SIGTERM');
      await Promise.race([cli.ended, new Promise((resolve) => setTimeout(resolve, 5_000))]);
      await cli.stop();
    },
  };
}
