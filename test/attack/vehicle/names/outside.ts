/** Runs inside.ts in a network and with a name server of its own, which takes root. */
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE } from '../../../helpers/process.ts';
import { PATH } from '../../../network/namespace.ts';

const MAIN = fileURLToPath(new URL('inside.ts', import.meta.url));
/** Of the ranges for benchmarks (RFC 2544): nobody is asked for it. */
const ADDRESS = '198.18.77.1';
const PROGRAMS = ['unshare', 'ip', 'mount'];
const PATIENCE_MS = 90_000;

export interface Counted {
  /** Candidates that the car was told, and whether its offer was answered. */
  said: number;
  answered: boolean;
  /** Names that a name server was asked for. */
  queries: string[];
  /** Datagrams that came to where the candidates lead. */
  datagrams: number;
}

const SETUP = `
ip link set lo up
ip link add road type veth peer name end
ip address add ${ADDRESS}/24 dev road
ip address add fd77::1/64 dev road nodad
ip link set road up
ip link set end up
mount --bind "$1" /etc/resolv.conf
exec "$2" "$3" ${ADDRESS} "$4"
`;

/** Why it can't be done here; null when it can. */
export function whyNoNetwork(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux’s';
  if (process.getuid?.() !== 0) return 'a network of its own takes root';
  const missing = PROGRAMS.filter(
    (program) => !PATH.split(delimiter).some((folder) => canRun(join(folder, program))),
  );
  return missing.length > 0 ? `there is no ${missing.join(', no ')} here` : null;
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function countInNetwork(watchMs: number): Promise<Counted> {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-names-'));
  const file = join(folder, 'resolv.conf');
  writeFileSync(file, `nameserver ${ADDRESS}\noptions timeout:1 attempts:1\n`);
  const args = ['--net', '--mount', 'sh', '-ec', SETUP, 'sh', file, NODE, MAIN, String(watchMs)];
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, PATH }, timeout: PATIENCE_MS };
    execFile('unshare', args, options, (error, stdout, stderr) => {
      rmSync(folder, { recursive: true, force: true });
      if (error) reject(new Error(`nothing was counted: ${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}
