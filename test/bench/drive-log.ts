/**
 * `node test/bench/drive-log.ts`: what the drive log costs a vehicle that is driven with one viewer: the agent's
 * processor time without it, with it, and with the video in it, in turns; and how much it writes.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../broker/serve.ts';
import { usage } from './product.ts';

const ROUNDS = 3;
/** Of driving, measured, after as much that is not. */
const DRIVE_MS = 20_000;
const WARM_MS = 4_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OPERATOR = fileURLToPath(new URL('../helpers/operator-main.ts', import.meta.url));

const KINDS = { without: ['--no-drive-log'], 'with it': [], 'with video': ['--drive-log-video'] };

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const server = await startServer({ port: 0, mqttPort: 0 }, quiet);
const measured = new Map<string, { cpu: number[]; bytes: number[] }>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [kind, flags] of Object.entries(KINDS)) {
    const { cpuPct, bytesPerSecond } = await drive(flags);
    const all = measured.get(kind) ?? { cpu: [], bytes: [] };
    all.cpu.push(cpuPct);
    all.bytes.push(bytesPerSecond);
    measured.set(kind, all);
    console.error(`${kind}: ${cpuPct.toFixed(1)} % of a core, ${Math.round(bytesPerSecond)} bytes/s`);
  }
}
console.log('| drive log | agent, % of a core, median | written, kB/s |\n| --- | ---: | ---: |');
for (const [kind, { cpu, bytes }] of measured) {
  console.log(`| ${kind} | ${median(cpu).toFixed(1)} | ${(median(bytes) / 1000).toFixed(1)} |`);
}
await server.close();
process.exit(0);

async function drive(flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-bench-log-'));
  const args = ['vehicle', '--room', 'car1', '--broker', server.mqttUrl, '--ice-servers', '[]', ...flags];
  const agent = spawn(process.execPath, ['deploy/plntry.ts', ...args, '--log-level', 'error'], {
    cwd: ROOT,
    env: { ...process.env, XDG_STATE_HOME: folder },
    stdio: 'inherit',
  });
  const operator = fork(OPERATOR, [server.mqttUrl, 'op-bench'], { silent: true });
  await new Promise((resolve) => operator.stdout?.once('data', resolve));
  await sleep(WARM_MS);
  const [before, start, size] = [await usage(agent.pid ?? 0), performance.now(), bytesIn(folder)];
  await sleep(DRIVE_MS);
  const [after, end] = [await usage(agent.pid ?? 0), performance.now()];
  const seconds = (end - start) / 1000;
  const bytesPerSecond = (bytesIn(folder) - size) / seconds;
  await Promise.all([stopped(operator), stopped(agent)]);
  rmSync(folder, { recursive: true });
  return { cpuPct: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100, bytesPerSecond };
}

function stopped(child: ChildProcess): Promise<unknown> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}

function bytesIn(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const logs = names.filter((name) => name.endsWith('.mcap'));
  return logs.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
