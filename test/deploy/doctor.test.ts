/** `plntry doctor` as people run it, towards a real broker and a real coturn. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../shared/messages.ts';
import { type DoctorReport, DoctorReportSchema } from '../../vehicle/doctor/findings.ts';
import { guardedServer } from '../helpers/access.ts';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { freePort } from '../helpers/ports.ts';
import { testServer } from '../helpers/room.ts';
import { startTurnServer, type TurnServer } from '../helpers/turn-server.ts';

/** Runs it to its end. */
async function doctor(args: string[], environment: Record<string, string> = {}) {
  const cli = spawnCli(['doctor', ...args], environment);
  const { status } = await cli.ended;
  return { status, text: cli.stdout(), errors: cli.stderr() };
}

async function doctorJson(args: string[], environment: Record<string, string> = {}) {
  const { status, text } = await doctor([...args, '--json'], environment);
  const parsed = check(DoctorReportSchema, JSON.parse(text));
  expect(parsed).toMatchObject({ ok: true });
  const { diagnosis, findings } = (parsed as { value: DoctorReport }).value;
  const said = Object.fromEntries(
    findings.servers.map(({ url, answer, code, detail }) => [
      url,
      [answer, code, detail].filter((part) => part !== undefined).join(' '),
    ]),
  );
  return { status, text, diagnosis, findings, said };
}

/** A server of a fleet that hands out what the turn server offers. */
async function fleet(turn: TurnServer, urls: string[], secret?: string) {
  const iceServers = turn.servers(urls, secret);
  return testServer({ ice: { providers: [providerOf(iceServers)], ttl: 3600 } });
}

const providerOf = (iceServers: ReturnType<TurnServer['servers']>) => ({
  name: 'of this test',
  shared: false,
  iceServers: async () => ({ iceServers, ttl: 3600 }),
});

test('where all works it says so, and how, with status 0', async () => {
  const turn = await startTurnServer();
  const { webUrl, mqttUrl } = await fleet(turn, [turn.udp, turn.tcp, turn.tls]);
  const { status, text } = await doctor(['--broker', mqttUrl, '--server', webUrl], {
    NODE_EXTRA_CA_CERTS: turn.ca,
  });
  expect(text).toContain('directly or relayed over UDP, TCP and TLS.');
  for (const url of [mqttUrl, `${webUrl}/api/ice`, `${webUrl.replace('http', 'ws')}/mqtt`]) {
    expect(text).toMatch(new RegExp(`✓ ${url} +answers, \\d+ ms`));
  }
  for (const url of [turn.udp, turn.tcp, turn.tls]) expect(text).toContain(`✓ ${url}`);
  expect(text).not.toContain('✗');
  expect(status).toBe(0);
});

test('a packet comes through each relay, directly and from another one', async () => {
  const turn = await startTurnServer();
  const servers = JSON.stringify(turn.servers([turn.udp, turn.tcp]));
  const { findings } = await doctorJson(['--ice-servers', servers]);
  expect(findings.servers).toHaveLength(2);
  for (const server of findings.servers) expect(server.carries).toEqual({ relayed: true, direct: true });
  expect(findings.nat).toBe('none');
});

test('a certificate that nobody knows is named, and what to do; the rest works', async () => {
  const turn = await startTurnServer();
  const { webUrl } = await fleet(turn, [turn.udp, turn.tcp, turn.tls]);
  const { status, said, diagnosis } = await doctorJson(['--server', webUrl]);
  expect(said[turn.tls]).toBe('unreachable its TLS certificate is self-signed');
  expect(diagnosis.title).toMatch(/^It works, but not all servers: localhost:\d+ \(TLS\).*self-signed/);
  expect(diagnosis.advice).toContain('NODE_EXTRA_CA_CERTS');
  expect(status).toBe(1);
});

test('a wrong secret is a 401, and no credential is printed', async () => {
  const turn = await startTurnServer();
  const { webUrl } = await fleet(turn, [turn.udp, turn.tcp], 'another secret');
  const answer = (await (await fetch(`${webUrl}/api/ice`)).json()) as {
    iceServers: { credential: string }[];
  };
  const { status, said, text, diagnosis } = await doctorJson(['--server', webUrl]);
  expect(said[turn.udp]).toBe('refused 401 Unauthorized');
  expect(said[turn.tcp]).toBe('refused 401 Unauthorized');
  expect(diagnosis).toEqual({
    status: 'limited',
    title: 'It works, but not from everywhere: 127.0.0.1 refused this machine’s credentials (401).',
    advice: 'Check PLNTRY_TURN_SECRET.',
  });
  for (const { credential } of answer.iceServers) expect(text).not.toContain(credential);
  expect(status).toBe(1);
});

test('servers that are not there are told apart', async () => {
  const nobody = await freePort();
  const { webUrl, mqttUrl } = await testServer();
  const login = { username: 'somebody', credential: 'something' };
  const urls = [`turn:127.0.0.1:${nobody}`, `turn:127.0.0.1:${nobody}?transport=tcp`, 'turn:turn.invalid'];
  const { status, said, diagnosis } = await doctorJson([
    ...['--broker', mqttUrl, '--server', webUrl],
    ...['--ice-servers', JSON.stringify([{ urls, ...login }])],
  ]);
  expect(Object.values(said)).toEqual([
    'unreachable nothing listens there',
    'unreachable nothing listens there',
    'unknown this name has no address',
  ]);
  expect(diagnosis.title).toContain('turn.invalid can’t be resolved');
  expect(status).toBe(1);
});

test('where only who has a token is let in it logs in with one, and throws nobody out', async () => {
  const turn = await startTurnServer();
  const providers = [providerOf(turn.servers([turn.udp, turn.tcp]))];
  const { webUrl, mqttUrl, login } = await guardedServer({ ice: { providers, ttl: 3600 } });
  const { password, ...car } = await login('car1', 'vehicle', ['car1']);
  const vehicle = await connectMqtt(mqttUrl, { ...car, password });
  const tokenFile = join(testFolder(), 'car1.token');
  writeFileSync(tokenFile, `${password}\n`);
  const places = ['--broker', mqttUrl, '--server', webUrl];
  for (const [args, environment] of [
    [['--token-file', tokenFile], {}],
    [[], { PLNTRY_TOKEN: password }],
  ] as const) {
    const { text, status } = await doctor([...places, ...args], environment);
    for (const url of [mqttUrl, `${webUrl}/api/ice`, `${webUrl.replace('http', 'ws')}/mqtt`])
      expect(text).toMatch(new RegExp(`✓ ${url} +answers`));
    expect(text).toContain(`✓ ${turn.udp}`);
    expect(text).not.toContain(password);
    expect(status).toBe(0);
  }
  expect(vehicle.connected).toBe(true);
});

test('without a token there it says that one is needed, and how to make it', async () => {
  const { webUrl, mqttUrl, login } = await guardedServer();
  const wanted = 'it lets in only who has a token or another login';
  for (const [args, who] of [
    [['--server', webUrl], `The web server ${webUrl}/api/ice refused: ${wanted} (401).`],
    [['--broker', mqttUrl], `The broker ${mqttUrl} refused: ${wanted} (5).`],
  ] as const) {
    const { diagnosis, status } = await doctorJson([...args]);
    expect(diagnosis.title).toBe(who);
    expect(diagnosis.advice).toMatch(/'plntry token car1 .*--token-file or PLNTRY_TOKEN/);
    expect(status).toBe(2);
  }
  const { diagnosis } = await doctorJson(['--broker', mqttUrl], { PLNTRY_TOKEN: 'another' });
  expect(diagnosis.title).toContain('refused: it does not take the token (5)');
  expect(diagnosis.advice).toContain('plntry revoke --list');
  const { password } = await login('mon-1', 'monitor', ['*']);
  const monitor = await doctorJson(['--server', webUrl], { PLNTRY_TOKEN: password });
  expect(monitor.diagnosis.title).toContain(
    'the token is none of a vehicle, an operator or a supervisor (403)',
  );
});

test('without a TURN server it says that there is none', async () => {
  const { webUrl, mqttUrl } = await testServer();
  const { status, text } = await doctor(['--broker', mqttUrl, '--server', webUrl]);
  expect(text).toContain('It works, but not from everywhere: no TURN server is configured.');
  expect(status).toBe(1);
});

test.each([
  [
    'nothing listens there',
    async () => `mqtt://127.0.0.1:${await freePort()}`,
    /can’t be reached: nothing listens/,
  ],
  ['its name has no address', async () => 'mqtts://broker.invalid', /can’t be resolved/],
  ['a web server is there', async () => (await webServer()).replace('http', 'mqtt'), /does not speak MQTT/],
  ['no WebSocket is there', async () => (await webServer()).replace('http', 'ws'), /status 404/],
  ['no TLS is there', async () => (await testServer()).mqttUrl.replace('mqtt', 'mqtts'), /can’t be reached/],
])('a broker where %s: status 2', async (_what, address, said) => {
  const broker = await address();
  const { status, text } = await doctor(['--broker', broker]);
  expect(text).toMatch(said);
  expect(text).toContain(`✗ ${broker}`);
  expect(status).toBe(2);
});

async function webServer(): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the login of a broker is not printed', async () => {
  const { text } = await doctor(['--broker', `mqtt://somebody:hush@127.0.0.1:${await freePort()}`]);
  expect(text).toContain('✗ mqtt://127.0.0.1:');
  expect(text).not.toContain('hush');
});

test('an option that is wrong is one sentence on the standard error, and status 2', async () => {
  const { status, text, errors } = await doctor(['--server', 'fleet.example.org']);
  expect(errors).toBe(
    "error: option '--server' (environment PLNTRY_SERVER) is not a URL that begins with http:// or https://.\n",
  );
  expect(text).toBe('');
  expect(status).toBe(2);
});

test('Ctrl-C ends it while it waits', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const asked = once(silent, 'message');
  const urls = `stun:127.0.0.1:${silent.address().port}`;
  const cli = spawnCli(['doctor', '--ice-servers', JSON.stringify([{ urls }])]);
  await asked;
  cli.kill('SIGINT');
  expect(await cli.ended).toEqual({ status: null, signal: 'SIGINT' });
  expect(cli.stdout()).toBe('');
});
