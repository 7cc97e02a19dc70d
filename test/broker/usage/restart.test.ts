/** The server as a process of its own that is killed: what was counted is there again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildMessage } from '../../../shared/messages.ts';
import { createTopics } from '../../../shared/topics.ts';
import { spawnCli } from '../../helpers/cli.ts';
import { connectMqtt, retainedMessages } from '../../helpers/mqtt-clients.ts';
import { parseMetrics } from '../../helpers/prometheus.ts';

const topics = createTopics();
const EPOCH = Date.now() - 60_000;
const SESSION = `${EPOCH.toString(36).padStart(9, '0')}-0001`;
const ADDRESSES = /Open\s+(http:\S+)\n\s+MQTT\s+(mqtt:\S+)/;

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function startProcess(folder: string) {
  const cli = spawnCli(['serve', '--port', '0', '--mqtt-port', '0', '--relay-budget', '1MB'], {
    PLNTRY_DATA: folder,
  });
  const [, webUrl = '', mqttUrl = ''] = await cli.printed(ADDRESSES);
  const client = await connectMqtt(mqttUrl);
  return {
    cli,
    mqttUrl,
    /** What a vehicle says of its session. */
    async says(relayBytes: number) {
      const state = { state: 'online', role: 'vehicle', epoch: EPOCH, since: EPOCH } as const;
      const presence = buildMessage('presence', state, Date.now());
      await client.publishAsync(topics.presence('car1', 'car1'), presence, { qos: 1, retain: true });
      const path = { path: 'relay', protocol: 'udp', rttMs: 1, lossPct: 0, kbps: 1 } as const;
      const link = buildMessage('link', { session: SESSION, ...path, relayBytes }, Date.now());
      await client.publishAsync(topics.link('car1', 'op-1'), link, { qos: 1 });
    },
    async counted() {
      const families = parseMetrics(await (await fetch(`${webUrl}/metrics`)).text());
      return families.get('plntry_relay_month_bytes')?.samples[0]?.value ?? 0;
    },
  };
}

const saved = (folder: string): number => {
  try {
    const { ledger } = JSON.parse(readFileSync(join(folder, 'relay-usage.json'), 'utf8'));
    return Object.values(ledger.months as Record<string, { all: number }>)[0]?.all ?? 0;
  } catch {
    return 0;
  }
};

test('counts survive kill -9, and the session that went on meanwhile is counted once and whole', {
  timeout: 90_000,
}, async () => {
  const folder = emptyFolder();
  const first = await startProcess(folder);
  await first.says(700_000);
  await expect.poll(() => saved(folder), { timeout: 10_000 }).toBe(700_000);
  first.cli.kill('SIGKILL');
  await first.cli.ended;

  const second = await startProcess(folder);
  expect(await second.counted()).toBe(700_000);
  await second.says(700_000);
  await second.says(950_000);
  await expect.poll(second.counted).toBe(950_000);
  const usage = async () =>
    (await retainedMessages(second.mqttUrl, topics.usage('car1')))['rooms/car1/usage'];
  await expect.poll(usage).toContain('"level":"warning"');
  // In the middle of whatever it is doing, without having been able to write the last of it.
  second.cli.kill('SIGKILL');
  await second.cli.ended;

  const third = await startProcess(folder);
  await third.says(950_000);
  await expect.poll(third.counted).toBe(950_000);
});

test('a server that is asked to stop saves what it has counted', async () => {
  const folder = emptyFolder();
  const server = await startProcess(folder);
  await server.says(1234);
  await expect.poll(server.counted).toBe(1234);
  server.cli.kill('SIGTERM');
  expect(await server.cli.ended).toEqual({ status: 0, signal: null });
  expect(saved(folder)).toBe(1234);
});

test('a file that can’t be read is set aside and said, and a folder that can’t be used ends the start', async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'relay-usage.json'), '{"v":1,"ledger":');
  const server = await startProcess(folder);
  expect(server.cli.stderr()).toContain('set aside; counting from 0');
  const cli = spawnCli([
    'serve',
    '--port',
    '0',
    '--mqtt-port',
    '0',
    '--data',
    '/dev/null/x',
    '--log-level',
    'silent',
  ]);
  expect(await cli.ended).toEqual({ status: 1, signal: null });
  expect(cli.stderr()).toMatch(
    /^plntry: Can't keep data in \/dev\/null\/x: .*; choose a folder with --data\.\n$/,
  );
});
