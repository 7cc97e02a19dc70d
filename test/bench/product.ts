/** The product as a user starts it, on free ports, and what its vehicle process uses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Clock ticks per second in /proc (sysconf(_SC_CLK_TCK), 100 on Linux). */
const TICKS = 100;

export interface Product {
  url: string;
  mqttUrl: string;
  /** Process id of the vehicle agent. */
  vehiclePid: number;
  close(): Promise<void>;
}

export async function startProduct(): Promise<Product> {
  const data = mkdtempSync(join(tmpdir(), 'plntry-data-'));
  const child = spawn(
    process.execPath,
    ['deploy/plntry.ts', 'start', '--port', '0', '--mqtt-port', '0', '--log-level', 'error'],
    {
      cwd: ROOT,
      env: { ...process.env, PLNTRY_DATA: data },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const text = await untilPrinted(child, /mosquitto_sub/);
  const url = text.match(/http:\/\/[\d.]+:\d+/)?.[0];
  const mqttUrl = text.match(/mqtt:\/\/[\d.]+:\d+/)?.[0];
  if (!url || !mqttUrl) throw new Error(`plntry start did not print its addresses: ${text}`);
  return {
    url,
    mqttUrl,
    vehiclePid: await childOf(child.pid ?? 0),
    async close() {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function untilPrinted(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (pattern.test(text)) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`plntry start ended with ${code}: ${text}`)));
  });
}

async function childOf(parent: number): Promise<number> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) return Number(entry);
  }
  throw new Error('the vehicle process was not found');
}

/** Processor seconds that a process has used, all threads, and its memory in MiB. */
export async function usage(pid: number): Promise<{ cpuSeconds: number; rssMiB: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    rssMiB: Number(status.match(/VmRSS:\s+(\d+)/)?.[1]) / 1024,
  };
}
