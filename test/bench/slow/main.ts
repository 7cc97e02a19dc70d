/**
 * `npm run bench:slow`: what a frozen subscriber costs the others. A busy fleet, readers over TCP and WebSocket,
 * and one subscriber to everything that is stopped (SIGSTOP) until the server closes it; beside it the same time
 * without. Prints the longest time that any reader went without a message, and the longest that one took to it;
 * exits with 1 where a gap is longer than it may be, or the frozen one is not closed.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import mqtt, { type MqttClient } from 'mqtt';

const { values: flags } = parseArgs({
  options: { cars: { type: 'string', default: '40' }, seconds: { type: 'string', default: '15' } },
});
/** Longest gap that a frozen one may cost, ms. */
const MOST_MS = 100;
const READERS = 4;
/** How long a frozen subscriber may stay, ms. */
const PATIENCE_MS = 60_000;
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Phase {
  name: string;
  gapMs: number;
  delayMs: number;
  messages: number;
  closedAfterS: number | null;
  limit: string;
}

const children: ChildProcess[] = [];
const data = mkdtempSync(join(tmpdir(), 'plntry-slow-'));
const load = loadavg()[0] ?? 0;
const server = await startServer();
const readers = await Promise.all(
  Array.from({ length: READERS }, (_, i) => startReader(i % 2 ? server.webSocketUrl : server.mqttUrl)),
);
const cars = fork(here('cars.ts'), [server.mqttUrl, flags.cars]);
children.push(cars);
try {
  await once(cars, 'message');
  // Connections, code and buffers have found their size.
  await sleep(5_000);
  const phases = [await measured('nobody', null)];
  for (const transport of ['TCP', 'WebSocket'] as const) {
    for (const qos of [0, 1] as const) {
      phases.push(await measured(`${transport}, QoS ${qos}`, (id) => freeze(id, transport, qos)));
    }
  }
  phases.push(await measured('nobody again', null));
  print(phases);
} finally {
  for (const child of children) child.kill('SIGKILL');
  for (const { client } of readers) client.end(true);
  rmSync(data, { recursive: true, force: true });
}

async function startServer() {
  const args = ['deploy/plntry.ts', 'serve', '--port', '0', '--mqtt-port', '0', '--log-level', 'info'];
  const env = { ...process.env, PLNTRY_DATA: data };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  const ready = Promise.withResolvers<{ webUrl: string; mqttUrl: string }>();
  const closed = new Map<string, string>();
  createInterface(child.stderr).on('line', (line) => {
    const { webUrl, mqttUrl, client, limit, msg } = JSON.parse(line);
    if (webUrl && mqttUrl) ready.resolve({ webUrl, mqttUrl });
    if (client && msg === 'over a limit') closed.set(client, limit);
  });
  child.once('exit', (status) => ready.reject(new Error(`plntry serve ended with ${status}`)));
  const { webUrl, mqttUrl } = await ready.promise;
  return { mqttUrl, webSocketUrl: `${webUrl.replace('http', 'ws')}/mqtt`, closed };
}

async function startReader(url: string) {
  const client: MqttClient = await mqtt.connectAsync(url, { protocolVersion: 4, keepalive: 10 });
  const reader = { client, gap: 0n, delay: 0n, messages: 0, last: process.hrtime.bigint() };
  client.on('message', (_topic, payload) => {
    const now = process.hrtime.bigint();
    const [gap, delay] = [now - reader.last, now - payload.readBigUInt64BE(0)];
    if (gap > reader.gap) reader.gap = gap;
    if (delay > reader.delay) reader.delay = delay;
    reader.last = now;
    reader.messages += 1;
  });
  await client.subscribeAsync('rooms/#', { qos: 1 });
  return reader;
}

/** Starts a subscriber, and stops it as soon as it is one. */
async function freeze(id: string, transport: 'TCP' | 'WebSocket', qos: 0 | 1): Promise<void> {
  const { port, hostname } = new URL(server.mqttUrl);
  const [program, args] =
    transport === 'TCP'
      ? [
          'stdbuf',
          [
            '-oL',
            'mosquitto_sub',
            '-h',
            hostname,
            '-p',
            port,
            '-t',
            'rooms/#',
            '-q',
            `${qos}`,
            '-i',
            id,
            '-d',
          ],
        ]
      : [process.execPath, [here('subscriber.ts'), server.webSocketUrl, id, `${qos}`]];
  const child = spawn(program as string, args as string[], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const subscribed = new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => void (line.startsWith('Subscribed') && resolve()));
    child.once('exit', () => reject(new Error(`the subscriber ended: ${program}`)));
  });
  await subscribed;
  child.kill('SIGSTOP');
}

async function measured(name: string, begin: ((id: string) => Promise<void>) | null): Promise<Phase> {
  for (const reader of readers) Object.assign(reader, { gap: 0n, delay: 0n, messages: 0 });
  const id = `frozen-${name.replace(/\W+/g, '-').toLowerCase()}`;
  const startedAt = performance.now();
  const elapsed = () => performance.now() - startedAt;
  let closedAfterS: number | null = null;
  await begin?.(id);
  while (
    elapsed() < Number(flags.seconds) * 1000 ||
    (begin && closedAfterS === null && elapsed() < PATIENCE_MS)
  ) {
    await sleep(100);
    if (closedAfterS === null && server.closed.has(id)) closedAfterS = elapsed() / 1000;
  }
  const ms = (key: 'gap' | 'delay') => Math.max(...readers.map((reader) => Number(reader[key]) / 1e6));
  return {
    name,
    gapMs: ms('gap'),
    delayMs: ms('delay'),
    messages: readers.reduce((sum, reader) => sum + reader.messages, 0),
    closedAfterS,
    limit: server.closed.get(id) ?? '',
  };
}

function print(phases: Phase[]): void {
  const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`);
  console.log(
    `${flags.cars} cars at 10 Hz, ${READERS} readers of everything; load before: ${load.toFixed(2)}\n`,
  );
  row(
    'frozen subscriber',
    'longest gap of a reader, ms',
    'longest delay, ms',
    'messages read',
    'closed after, s',
    'by',
  );
  row('---', '---:', '---:', '---:', '---:', '---');
  for (const { name, gapMs, delayMs, messages, closedAfterS, limit } of phases) {
    row(name, gapMs.toFixed(1), delayMs.toFixed(1), String(messages), closedAfterS?.toFixed(1) ?? '', limit);
  }
  const missed = phases.filter(
    ({ name, gapMs, closedAfterS }) =>
      gapMs >= MOST_MS || (closedAfterS === null && !name.startsWith('nobody')),
  );
  console.log(`\nTo reach: less than ${MOST_MS} ms, and every frozen one closed.`);
  for (const { name } of missed) console.log(`Missed: ${name}.`);
  if (missed.length > 0) process.exitCode = 1;
}
