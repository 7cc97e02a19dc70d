/** The real command line program: what it prints, how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { spawnCli } from '../helpers/cli.ts';
import { mosquittoSub } from '../helpers/mosquitto.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { freePort } from '../helpers/ports.ts';
import { NODE } from '../helpers/process.ts';

const FREE = ['--port', '0', '--mqtt-port', '0'];
const LISTENING = /Open\s+(http:\S+)\n\s+MQTT\s+(mqtt:\S+)\n\s+Watch\s+(.*)/;

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends serve with status 0, and nothing listens any more',
  async (signal) => {
    const cli = spawnCli(['serve', ...FREE]);
    const [, webUrl = '', mqttUrl = '', watch] = await cli.printed(LISTENING);
    const { port } = new URL(mqttUrl);
    expect(watch).toBe(`mosquitto_sub -h 127.0.0.1 -p ${port} -t 'rooms/#' -v`);
    expect((await fetch(`${webUrl}/readyz`)).status).toBe(200);
    cli.kill(signal);
    expect(await cli.ended).toEqual({ status: 0, signal: null });
    await expect(fetch(webUrl)).rejects.toThrow();
  },
);

test('a second SIGINT ends serve at once, whoever it is waiting for', async () => {
  const cli = spawnCli(['serve', ...FREE]);
  const [, webUrl = ''] = await cli.printed(LISTENING);
  const mute = new WebSocket(`${webUrl.replace('http', 'ws')}/mqtt`, 'mqtt');
  await once(mute, 'open');
  // It will not see that it is asked to close.
  mute.pause();
  onTestFinished(() => mute.terminate());
  cli.kill('SIGINT');
  await cli.printed(/"msg":"stopping"/);
  cli.kill('SIGINT');
  expect(await cli.ended).toEqual({ status: null, signal: 'SIGINT' });
});

test('serve logs JSON lines when nobody sits at a terminal', async () => {
  const cli = spawnCli(['serve', ...FREE]);
  await cli.printed(LISTENING);
  const lines = cli
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'info', name: 'server', msg: 'server is ready' }),
  );
});

test('start brings a vehicle, which leaves before the server does', async () => {
  const cli = spawnCli(['start', ...FREE]);
  const [, , mqttUrl = ''] = await cli.printed(LISTENING);
  const ears = await mosquittoSub(Number(new URL(mqttUrl).port), 'rooms/car1/peers/car1');
  const presence = async () => JSON.parse((await ears.next()).replace(/^\S+ /, ''));
  let last = await presence();
  while (last.state !== 'online') last = await presence();
  cli.kill('SIGTERM');
  while (last.state === 'online') last = await presence();
  expect(last.state).toBe('offline');
  expect(await cli.ended).toEqual({ status: 0, signal: null });
});

test('flags go before the environment, and PORT is heard', async () => {
  const [fromHost, own, flag] = [await freePort(), await freePort(), await freePort()];
  const portOf = async (args: string[], environment: Record<string, string>) => {
    const cli = spawnCli(['serve', '--mqtt-port', '0', '--log-level', 'silent', ...args], environment);
    const [, webUrl = ''] = await cli.printed(LISTENING);
    return Number(new URL(webUrl).port);
  };
  const host = { PORT: String(fromHost) };
  expect(await portOf([], host)).toBe(fromHost);
  expect(await portOf([], { ...host, PLNTRY_PORT: String(own) })).toBe(own);
  expect(await portOf(['--port', String(flag)], { ...host, PLNTRY_PORT: String(own) })).toBe(flag);
});

test.each([
  [
    ['serve', '--port', '80000'],
    {},
    /option '--port <number>' argument '80000' is invalid\. It is not a port/,
  ],
  [['serve'], { PORT: 'http' }, /option '--port <number>' value 'http' from env 'PORT' is invalid/],
  [['serve'], { PLNTRY_MQTT_PORT: 'x' }, /value 'x' from env 'PLNTRY_MQTT_PORT' is invalid/],
  [['serve', '--root', 'a/#'], {}, /option '--root <topic>' argument 'a\/#' is invalid/],
  [['serve', '--broker', 'mqtt://b'], {}, /option '--broker' needs '--broker-page-url'/],
  [
    ['serve', '--ice-servers', '[{"urls":"turn:a","credential":"hush"}]'],
    {},
    /option '--ice-servers' .* needs a username/,
  ],
  [['serve'], { PLNTRY_TURN_URLS: 'turn:a' }, /PLNTRY_TURN_URLS needs PLNTRY_TURN_SECRET too/],
  [['start'], { PLNTRY_TURN_SECRET_FILE: '/nowhere/at-all' }, /the file '\/nowhere\/at-all' can't be read/],
  [['vehicle', '--room', 'car1'], { PLNTRY_ICE_TTL: '1' }, /PLNTRY_ICE_TTL is not a whole number/],
  [
    ['vehicle', '--room', 'car1', '--server', 'http://a'],
    { PLNTRY_STUN_URLS: 'stun:a' },
    /option '--server' hands out STUN and TURN servers/,
  ],
  [
    ['vehicle', '--room', 'car1', '--fleet-key', 'x'],
    {},
    /'--fleet-key <key>' argument 'x' is invalid\. It is neither/,
  ],
  [['vehicle', '--room', 'Car 1'], {}, /option '--room <id>' argument 'Car 1' is invalid/],
  [['vehicle'], { PLNTRY_FPS: '0' }, /value '0' from env 'PLNTRY_FPS' is invalid/],
  [['vehicle', '--log-level', 'loud'], {}, /'--log-level <level>' argument 'loud' is invalid/],
  [['serve', '--relay-budget', '10G'], {}, /argument '10G' is invalid\. '10G' is not an amount of data/],
  [['serve'], { PLNTRY_RELAY_BUDGET_ACTION: 'limit' }, /needs --relay-budget or --relay-budget-car/],
  [
    ['serve'],
    { PLNTRY_ICE_SERVERS_FILE: '/dev/null' },
    /PLNTRY_ICE_SERVERS_FILE: the file '\/dev\/null' is empty/,
  ],
  [['serve'], { PLNTRY_RELAY_BUDGET_CAR: 'car1' }, /from env 'PLNTRY_RELAY_BUDGET_CAR' is invalid/],
  [['start', '--relay-budget-action', 'stop'], {}, /Allowed choices are warn, limit/],
  [['start', '--colour'], {}, /unknown option '--colour'/],
  [['fly'], {}, /unknown command 'fly'/],
  [['serve', 'extra'], {}, /too many arguments/],
])('%j with %j ends with status 2 and one line that names it', async (args, environment, line) => {
  const cli = spawnCli(args, environment as Record<string, string>);
  expect(await cli.ended).toEqual({ status: 2, signal: null });
  expect(cli.stdout()).toBe('');
  expect(cli.stderr()).toMatch(line);
  expect(cli.stderr().trim().split('\n')).toHaveLength(1);
  expect(cli.stderr()).not.toContain('hush');
});

test.each(['serve', 'start'])('%s on a taken port ends with status 1 and one sentence', async (command) => {
  const first = spawnCli(['serve', ...FREE]);
  const [, webUrl = ''] = await first.printed(LISTENING);
  const { port } = new URL(webUrl);
  const second = spawnCli([command, '--port', port, '--mqtt-port', '0', '--log-level', 'warn']);
  expect(await second.ended).toEqual({ status: 1, signal: null });
  expect(second.stderr()).toBe(
    `plntry: Port ${port} on 127.0.0.1 is already in use; choose another one with --port.\n`,
  );
});

test.each([[['--help']], [['start', '--help']], [['serve', '--help']], [['vehicle', '--help']]])(
  '%j tells how it is used',
  async (args) => {
    const cli = spawnCli(args);
    expect(await cli.ended).toEqual({ status: 0, signal: null });
    expect(cli.stdout()).toMatch(/^Usage: plntry/);
    expect(cli.stdout()).toContain('PLNTRY_');
    if (args.length > 1) expect(cli.stdout()).toContain('PLNTRY_TURN_SECRET_FILE');
  },
);

test('it knows its version', async () => {
  const cli = spawnCli(['--version']);
  expect(await cli.ended).toEqual({ status: 0, signal: null });
  expect(cli.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a command whose reader goes away ends quietly', async () => {
  const child = spawn(NODE, ['deploy/plntry.ts', 'acl', '--for', 'emqx'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const [status, signal] = await once(child, 'close');
  expect({ status, signal, errors }).toEqual({ status: 0, signal: null, errors: '' });
});

test('serve whose log nobody reads any more goes on', async () => {
  const child = spawn(NODE, ['deploy/plntry.ts', 'serve', ...FREE], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const said = await new Promise<string>((resolve) => {
    let text = '';
    child.stdout.on('data', (more) => {
      text += more;
      if (LISTENING.test(text)) resolve(text);
    });
  });
  child.stderr.destroy();
  const [, , mqttUrl = ''] = said.match(LISTENING) ?? [];
  // Each is a line in the log.
  for (let i = 0; i < 3; i++) await (await connectMqtt(mqttUrl)).endAsync();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
