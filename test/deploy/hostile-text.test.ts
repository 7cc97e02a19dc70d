/** What others have written, in what commands print and log: it commands no terminal. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildMessage } from '../../shared/messages.ts';
import { aboutOf, nameAt } from '../../vehicle/log/log-folder.ts';
import { createMcapFile } from '../../vehicle/log/mcap-file.ts';
import { TOPICS } from '../../vehicle/log/topics.ts';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { freePort } from '../helpers/ports.ts';
import { NODE } from '../helpers/process.ts';
import { testServer } from '../helpers/room.ts';
import { startService } from '../helpers/service.ts';
import { run } from './access-cli.ts';

/** Clears the screen in two ways, makes lines of its own in three, and writes backwards. */
const HOSTILE = 'a\u001b[2Jb\u009b2Jc\nd\u2028e\u0085f\u202eg';
const SHOWN = 'a<U+001B>[2Jb<U+009B>2Jc<U+000A>d<U+2028>e<U+0085>f<U+202E>g';
/** Nothing but text and the ends of lines. */
const PLAIN = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;
const isPlain = (text: string) => text.split('\n').every((line) => PLAIN.test(line));

test('a drive log, as text and as JSON', async () => {
  const folder = testFolder();
  await mkdir(join(folder, 'car1'));
  const path = join(folder, 'car1', nameAt(0));
  const file = await createMcapFile(path, TOPICS, aboutOf('car1'));
  const session = { operator: 'op-1', phase: 'ended', detail: HOSTILE };
  const channel = TOPICS.findIndex(({ name }) => name === '/session');
  await file.append([{ channel, time: 0n, data: Buffer.from(JSON.stringify(session)) }]);
  await file.end();
  expect((await run(['log', path])).stdout).toBe(
    `1970-01-01T00:00:00.000Z /session          op-1 ended: ${SHOWN}`,
  );
  const { stdout } = await run(['log', path, '--json']);
  expect(isPlain(stdout)).toBe(true);
  expect(JSON.parse(stdout).message.detail).toBe(HOSTILE);
});

test('the list of who has been given access', async () => {
  const data = testFolder();
  mkdirSync(join(data, 'access'));
  const person = { id: 'oidc-1', kind: 'sign-in', role: 'operator', rooms: ['car1'], sub: 'op-1' };
  const entry = { ...person, name: HOSTILE, issued: 1, until: 4e9 };
  writeFileSync(join(data, 'access', 'granted.jsonl'), `${JSON.stringify(entry)}\n`);
  const { stdout, stderr } = await run(['revoke', '--list', '--data', data]);
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toHaveLength(1);
  expect(stdout).toContain(`${SHOWN} (op-1)`);
});

test('the answer to an emergency stop', async () => {
  const { mqttUrl } = await testServer();
  const car = await connectMqtt(mqttUrl);
  const safety = buildMessage('safety', { state: 'estopped', reason: HOSTILE, since: 1 }, 1);
  await car.publishAsync('rooms/car1/safety', safety, { qos: 1, retain: true });
  const { status, stdout } = await run(['estop', 'car1', '--broker', mqttUrl]);
  expect([status, stdout]).toEqual([0, `car1 has made an emergency stop, ${SHOWN}.`]);
});

test('what a server tells the doctor', async () => {
  const { url } = await startService(() => ({ body: { iceServers: [], ttl: 60, warnings: [HOSTILE] } }));
  const text = (await run(['doctor', '--server', url])).stdout;
  expect(text).toContain(SHOWN);
  expect(isPlain(text)).toBe(true);
  const json = (await run(['doctor', '--server', url, '--json'])).stdout;
  expect(isPlain(json)).toBe(true);
  expect(JSON.parse(json).findings.warnings).toEqual([HOSTILE]);
});

test('the log, for machines and on a terminal', async () => {
  const port = await freePort();
  const url = `mqtt://127.0.0.1:${port}`;
  const args = ['serve', '--port', '0', '--mqtt-port', String(port)];
  const machines = spawnCli(args);
  await machines.printed(/server is ready/);
  await connectMqtt(url, { clientId: HOSTILE });
  await machines.printed(/"transport":"tcp".*MQTT client connected.*\n/);
  expect(isPlain(machines.stderr())).toBe(true);
  const line =
    machines
      .stderr()
      .split('\n')
      .find((each) => /"tcp".*client connected/.test(each)) ?? '';
  expect(JSON.parse(line).client).toBe(HOSTILE);
  machines.kill('SIGKILL');
  await machines.ended;

  const seen = await onTerminal(args, /server is ready/, async (printed) => {
    await connectMqtt(url, { clientId: HOSTILE });
    await printed(/MQTT client connected[^\n]*"tcp"[^\n]*\n/);
  });
  expect(seen).toContain(SHOWN);
  // What is left are the log's own colours, and what the terminal adds at the ends of lines.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(isPlain(seen.replace(/\u001b\[\d+m|\r/g, ''))).toBe(true);
});

/** The command with a terminal of its own, by script(1). @returns all that it has shown */
async function onTerminal(
  args: string[],
  first: RegExp,
  act: (printed: (wanted: RegExp) => Promise<void>) => Promise<void>,
): Promise<string> {
  const command = [NODE, 'deploy/plntry.ts', ...args, '--data', testFolder()].join(' ');
  const child = spawn('script', ['-qefc', `exec ${command}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(() => {
    child.kill('SIGTERM');
    return ended.then(() => {});
  });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    seen += text;
  });
  const printed = (wanted: RegExp) => expect.poll(() => seen, { timeout: 20_000 }).toMatch(wanted);
  await printed(first);
  await act(printed as never);
  return seen;
}
