/**
 * `node test/bench/drive-log.ts`: what the drive log costs a vehicle that is driven with one viewer: the agent's
 * processor time without it, with it, and with the video in it, in turns, and how much it writes; and what the log
 * alone takes for such a drive. The first needs a machine that does nothing else.
 */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../broker/serve.ts';
import { VSS, type VssValues } from '../../shared/vss.ts';
import { startDriveLog } from '../../vehicle/log/drive-log.ts';
import { createRecorder } from '../../vehicle/log/recorder.ts';
import { usage } from './product.ts';

const ROUNDS = Number(process.argv[2] ?? 3);
/** Of driving, measured, after as much that is not. */
const DRIVE_MS = 20_000;
const WARM_MS = 4_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OPERATOR = fileURLToPath(new URL('../helpers/operator-main.ts', import.meta.url));

const ALONE_SECONDS = 60;
/** At 30 pictures a second some 4 Mbit/s. */
const PICTURE_PACKETS = 14;
const PICTURES = 120;
const AHEAD = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;

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
console.log('\n| the log alone | % of a core | written, kB/s |\n| --- | ---: | ---: |');
for (const [kind, video] of [
  ['without video', false],
  ['with video of 4 Mbit/s', true],
] as const) {
  const { cpuPct, bytesPerSecond } = await alone(video);
  console.log(`| ${kind} | ${cpuPct.toFixed(2)} | ${(bytesPerSecond / 1000).toFixed(1)} |`);
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

/**
 * What the log alone takes: the messages of so many seconds of driving, one after another, as fast as they can be
 * written. In percent of a core, had they come in real time.
 */
async function alone(video: boolean): Promise<{ cpuPct: number; bytesPerSecond: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-bench-log-'));
  let now = Date.now();
  const clock = { now: () => now, after: () => () => {}, every: () => () => {} };
  const log = startDriveLog('car1', { folder }, clock, quiet);
  const recorder = createRecorder(log.write, clock);
  // As little to be made smaller as in coded pictures.
  const pictures = Array.from({ length: PICTURES }, () =>
    Array.from({ length: PICTURE_PACKETS }, () => randomBytes(1_200).fill(0x41, 12, 13)),
  );
  const before = process.cpuUsage();
  for (let second = 0; second < ALONE_SECONDS; second++) {
    for (let n = 0; n < 50; n++) {
      now += 20;
      const command = { seq: second * 50 + n, t: now - 7, lease: 1, ...AHEAD, steer: Math.sin(now / 1000) };
      recorder.recorded({ kind: 'command', operator: 'op-bench', command, age: 7, dropped: null });
      recorder.applied(command, { state: 'driving', reason: null, driver: 'op-bench' });
      if (n % 5 === 0) recorder.telemetry(valuesAt(now));
      const packets = pictures[(second * 50 + n) % PICTURES];
      if (video && packets && n % 5 < 3) recorder.picture({ packets });
    }
    await log.flush();
  }
  const { user, system } = process.cpuUsage(before);
  await log.close();
  const bytes = bytesIn(folder);
  rmSync(folder, { recursive: true });
  return { cpuPct: (user + system) / 1e4 / ALONE_SECONDS, bytesPerSecond: bytes / ALONE_SECONDS };
}

function valuesAt(now: number): VssValues {
  return Object.fromEntries(Object.keys(VSS).map((name, n) => [name, 50 + n + Math.sin(now / 3000 + n)]));
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
