/** Access from the command line, with a real server in another process. */
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';
import { httpBrowser } from '../helpers/http-browser.ts';
import { mosquittoPub, mosquittoSub, startMosquitto } from '../helpers/mosquitto.ts';
import { closed, connectMqtt } from '../helpers/mqtt-clients.ts';
import { openIdProvider, signInWith } from '../helpers/openid-provider.ts';
import { run, serve, tokenOf } from './access-cli.ts';

test('a token from the command line works with mosquitto_sub and mosquitto_pub, through -u and -P', async () => {
  const data = testFolder();
  const { port } = await serve(data);
  const monitor = await tokenOf(data, 'mon-1', '--role', 'monitor');
  const operator = await tokenOf(data, 'op-1', '--role', 'operator', '--rooms', 'car1');
  const ears = await mosquittoSub(port, 'rooms/#', '-u', 'mon-1', '-P', monitor);
  await mosquittoPub(port, 'rooms/car1/estop', 'people on the road', '-q', '1', '-u', 'op-1', '-P', operator);
  const [topic, ...words] = (await ears.next()).split(' ');
  expect(topic).toBe('rooms/car1/estop');
  expect(JSON.parse(words.join(' '))).toMatchObject({ from: 'op-1', reason: 'people on the road' });
  await expect(mosquittoPub(port, 'rooms/car1/estop', 'no token', '-q', '1')).rejects.toThrow();
});

test('revoke ends a connection of the running server, by id and by the token itself', async () => {
  const data = testFolder();
  const { url } = await serve(data);
  const issued = await run(['token', 'car1', '--data', data]);
  const [, id = ''] = /plntry revoke (\S+)/.exec(issued.stderr) ?? [];
  for (const what of [id, await tokenOf(data, 'car2')]) {
    const sub = what === id ? 'car1' : 'car2';
    const client = await connectMqtt(url, {
      clientId: sub,
      username: sub,
      password: what === id ? issued.stdout : what,
    });
    expect((await run(['revoke', '--list', '--data', data])).stdout).toContain(` ${sub} `);
    const end = closed(client);
    expect(await run(['revoke', what, '--data', data])).toMatchObject({ status: 0, stdout: 'Ended.' });
    await end;
    expect((await run(['revoke', '--list', '--data', data])).stdout).not.toContain(` ${sub} `);
  }
});

test('a driver’s id leads to the invitation, in the list and in the log', async () => {
  const data = testFolder();
  const { cli, url } = await serve(data);
  const [, webUrl] = await cli.printed(/Open +(http:\S+)/);
  const { stdout: link, stderr } = await run(['invite', 'car1', '--uses', '2', '--data', data]);
  const [, id = ''] = /plntry revoke (\S+) --data \S+$/.exec(stderr) ?? [];
  const list = async () => (await run(['revoke', '--list', '--data', data])).stdout;
  expect(await list()).toMatch(new RegExp(`^${id} .* invitation {2}operator of car1 {2}used 0 of 2$`));

  const swapped = await fetch(`${webUrl}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ invitation: link.split('#')[1] }),
  });
  const headers = { Cookie: swapped.headers.get('set-cookie')?.split(';')[0] ?? '' };
  const { access } = (await (await fetch(`${webUrl}/api/fleet`, { headers })).json()) as {
    access: { token: { peer: string; token: string } };
  };
  const { peer, token: password } = access.token;
  await connectMqtt(url, { clientId: peer, username: peer, password });
  const session = peer.slice(0, 13);
  expect(await list()).toMatch(new RegExp(`  used 1 of 2: ${session}$`));
  await cli.printed(new RegExp(`"invitation":"${id}".*"peer":"${session}".*an invitation was used`));
  await cli.printed(new RegExp(`"client":"${peer}".*"access":"${id}".*MQTT client connected`));
});

test('access is ended also while the server can open no file', async ({ skip }) => {
  const data = testFolder();
  const { cli, url } = await serve(data);
  const password = await tokenOf(data, 'car1');
  const client = await connectMqtt(url, { clientId: 'car1', username: 'car1', password });
  const limited = spawnSync('prlimit', ['--pid', String(cli.pid), '--nofile=3']);
  if (limited.status !== 0) return skip('prlimit (util-linux) is not here');
  const end = closed(client);
  expect(await run(['revoke', '--peer', 'car1', '--data', data])).toMatchObject({ status: 0 });
  await end;
});

test('the secret is made once, for its user alone', async () => {
  const data = testFolder();
  const first = await tokenOf(data, 'car1');
  expect(statSync(join(data, 'access/secret')).mode & 0o777).toBe(0o600);
  expect(statSync(join(data, 'access')).mode & 0o777).toBe(0o700);
  const { url } = await serve(data);
  await connectMqtt(url, { clientId: 'car1', username: 'car1', password: first });
});

test('a secret may be given, and then counts', async () => {
  const data = testFolder();
  const secret = { PLNTRY_ACCESS_SECRET: Buffer.alloc(32, 7).toString('base64') };
  const { stdout } = await run(['token', 'car1', '--data', data], secret);
  const { url } = await serve(data);
  const refused = await connectMqtt(url, { clientId: 'car1', username: 'car1', password: stdout }).catch(
    (error) => error.code,
  );
  expect(refused).toBe(5);
});

test.each([
  [['invite', 'Car1'], "'Car1' is neither a room nor a pattern"],
  [['invite', 'car1', '--for', 'ever'], "'ever' is not a span of time"],
  [['invite', 'car1', '--role', 'king'], 'Allowed choices are vehicle, operator, supervisor.'],
  [['invite', 'car1', '--role', 'monitor'], 'Allowed choices are vehicle, operator, supervisor.'],
  [['invite', 'car1', 'car2', '--role', 'vehicle'], 'A vehicle has one room, of its own name.'],
  [['invite', 'op-1', '--role', 'vehicle'], "A vehicle's id does not begin with op-, sv-, mon-: 'op-1'."],
  [['token', 'dispatch', '--role', 'operator', '--rooms', '*'], "begins with 'op-', for example 'op-1'"],
  [['token', 'op-1', '--role', 'operator'], "option '--rooms' is missing"],
  [['token', 'car1', '--rooms', 'car2'], "A vehicle has one room, of its own name: 'car1'."],
  [['revoke'], 'Say what to end'],
  [['revoke', 'car1', '--may-return'], "option '--may-return' is for the id of a person"],
  [['revoke', 'nonsense'], 'is no data folder of a server that has given access'],
  [['acl'], "required option '--for <broker>' not specified"],
  [['serve', '--access', '--insecure'], "options '--access' and '--insecure' can't both be given."],
  [
    ['serve', '--public-url', 'https://a.example/path'],
    'is not an address such as https://fleet.example.org',
  ],
])('%j is refused in one sentence', async (args, sentence) => {
  const { status, stderr } = await run(args, { PLNTRY_DATA: testFolder() });
  expect(stderr).toContain(sentence);
  expect(stderr.split('\n')).toHaveLength(1);
  expect(status).toBe(2);
});

test('what was never given can’t be ended', async () => {
  const data = testFolder();
  await tokenOf(data, 'car1');
  for (const [what, sentence] of [
    [['nonsense'], 'That is neither an id, nor a token or a link of this server'],
    [['--peer', '../../x'], "'../../x' is not an id."],
  ] as const)
    expect((await run(['revoke', ...what, '--data', data])).stderr).toContain(sentence);
});

test('a secret that is none is refused, and not repeated', async () => {
  const { status, stderr } = await run(['serve', '--access'], { PLNTRY_ACCESS_SECRET: 'too-short' });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr:
      "error: PLNTRY_ACCESS_SECRET is not base64 of at least 32 bytes; 'openssl rand -base64 32' makes one.",
  });
});

test('Mosquitto keeps to the rules that acl prints', async () => {
  const { stdout } = await run(['acl', '--for', 'mosquitto', '--monitor', 'mon-1']);
  const mosquitto = await startMosquitto(undefined, {
    acl: stdout,
    users: ['car1', 'op-a', 'op-b', 'mon-1'],
  });
  const client = (name: string) =>
    connectMqtt(mosquitto.url, { clientId: name, username: name, password: name });
  const [car, a, b, monitor] = await Promise.all(['car1', 'op-a', 'op-b', 'mon-1'].map(client));
  const heard: Record<string, string[]> = { car: [], a: [], b: [], monitor: [] };
  for (const [name, one] of Object.entries({ car, a, b, monitor })) {
    one?.on('message', (topic) => heard[name]?.push(topic));
    await one?.subscribeAsync('rooms/#', { qos: 1 });
  }
  await car?.publishAsync('rooms/car1/sdp/car1/op-a', 'x', { qos: 1 });
  await a?.publishAsync('rooms/car1/sdp/op-a/car1', 'x', { qos: 1 });
  await b?.publishAsync('rooms/car1/sdp/op-a/car1', 'as somebody else', { qos: 1 });
  await b?.publishAsync('rooms/car1/telemetry', 'as the car', { qos: 1 });
  await monitor?.publishAsync('rooms/car1/telemetry', 'as a monitor', { qos: 1 });
  const last = new Promise<void>((resolve) =>
    monitor?.on('message', (topic) => topic === 'rooms/car1/lease' && resolve()),
  );
  await car?.publishAsync('rooms/car1/lease', 'x', { qos: 1 });
  await last;
  expect(heard.monitor).toEqual(['rooms/car1/sdp/car1/op-a', 'rooms/car1/sdp/op-a/car1', 'rooms/car1/lease']);
  expect(heard.a).toContain('rooms/car1/sdp/car1/op-a');
  expect(heard.b).not.toContain('rooms/car1/sdp/car1/op-a');
  expect(heard.car).toContain('rooms/car1/sdp/op-a/car1');
  expect(heard.car).not.toContain('rooms/car1/telemetry');
});

test('who signs in is ended by the id in the list, and let in again when that is said', async () => {
  const data = testFolder();
  const { issuer } = await openIdProvider({ accounts: { ann: { name: 'Ann Lee', groups: ['drivers'] } } });
  const { secret, clientId } = signInWith(issuer, 'drivers=operator:car*');
  const environment = { PLNTRY_OIDC_CLIENT_SECRET_FILE: join(data, 'client-secret') };
  writeFileSync(environment.PLNTRY_OIDC_CLIENT_SECRET_FILE, `${secret}\n`);
  const cli = spawnCli(
    [
      ...['serve', '--access', '--data', data, '--port', '0', '--mqtt-port', '0', '--oidc-issuer', issuer],
      ...['--oidc-client-id', clientId, '--oidc-map', 'drivers=operator:car*'],
    ],
    environment,
  );
  const [, webUrl] = await cli.printed(/Open +(http:\S+)/);
  await cli.printed(/sign-in is ready/);
  const signIn = async () => {
    const browser = httpBrowser();
    const question = await browser.open(`${webUrl}/sign-in?to=/`);
    const { status, text } = await browser.submit(question.url, { account: 'ann' });
    const you = async () => {
      const answer = await (await browser.request(`${webUrl}/api/fleet`)).json();
      return (answer as { access: { you: { name: string } | null } }).access.you?.name;
    };
    return { status, text, you };
  };

  const [first] = [await signIn(), await signIn()];
  expect(await first.you()).toBe('Ann Lee');
  const list = async () => (await run(['revoke', '--list', '--data', data])).stdout;
  const [, id = ''] =
    /^(oidc-\S+) .* sign-in {2}operator of car\* {2}Ann Lee \(op-[0-9a-f]{10}\)$/m.exec(await list()) ?? [];
  expect((await list()).split('\n')).toHaveLength(1);

  await run(['revoke', id, '--data', data]);
  expect(await list()).toBe('Nobody has been given access.');
  expect((await run(['revoke', id, '--data', data])).stdout).toBe('That had ended already.');
  await vi.waitFor(async () => expect(await first.you()).toBeUndefined());
  expect((await signIn()).text).toContain('whose access was ended');

  await run(['revoke', id, '--may-return', '--data', data]);
  // Those of the second in which that was said are not let in: access has no finer time.
  await vi.waitFor(async () => expect(await (await signIn()).you()).toBe('Ann Lee'), { timeout: 10_000 });
  expect(await first.you()).toBeUndefined();
});
