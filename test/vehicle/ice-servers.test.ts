/** Where a vehicle has its ICE servers from, and what it does when it can't get them. */
import { expect, onTestFinished, test } from 'vitest';
import { iceFromEnvironment } from '../../broker/ice/from-environment.ts';
import { systemClock } from '../../shared/clock.ts';
import { type AskIceServers, askServer, keepIceServers } from '../../vehicle/ice-servers.ts';
import { spawnCli } from '../helpers/cli.ts';
import { testClock } from '../helpers/clock.ts';
import { recordLog } from '../helpers/log.ts';
import { freePort } from '../helpers/ports.ts';
import { testListener, testServer } from '../helpers/room.ts';
import { startService } from '../helpers/service.ts';

const MINUTE = 60_000;
const turn = (username: string) => [{ urls: 'turn:a', username, credential: 'c' }];

async function kept(source: AskIceServers, clock = testClock()) {
  const recorded = recordLog();
  const servers = await keepIceServers(source, clock, recorded.log);
  onTestFinished(servers.close);
  return { servers, clock, ...recorded };
}

test('it asks the server, with its own name, and again at half of their life', async () => {
  const service = await startService(({ query }) => ({
    body: { iceServers: turn(`${query.peer} ${service.asked.length}`), ttl: 600 },
  }));
  const { servers, clock } = await kept(askServer(service.url, 'car1'));
  expect(service.asked[0]).toMatchObject({ method: 'GET', path: '/api/ice', query: { peer: 'car1' } });
  expect(servers.get()).toEqual(turn('car1 1'));
  const again = service.next();
  await clock.pass(5 * MINUTE);
  await again;
  await expect.poll(servers.get).toEqual(turn('car1 2'));
});

test("the server's warnings are logged once, and kept", async () => {
  const warnings = ['Cloudflare TURN refused the API token (401). Check PLNTRY_CLOUDFLARE_TURN_API_TOKEN.'];
  const { servers, clock, entries } = await kept(async () => ({ iceServers: [], ttl: 600, warnings }));
  expect(servers.warnings()).toEqual(warnings);
  await clock.pass(30 * MINUTE);
  expect(entries.map(({ level, message }) => [level, message])).toEqual([['warn', warnings[0]]]);
});

test('a server that does not answer holds it up for a moment only', async () => {
  const clock = testClock();
  const answer = Promise.withResolvers<{ iceServers: ReturnType<typeof turn>; ttl: number }>();
  const begun = kept(() => answer.promise, clock);
  await clock.pass(1_000);
  const { servers } = await begun;
  expect(servers.get()).toEqual([]);
  answer.resolve({ iceServers: turn('late'), ttl: 600 });
  await expect.poll(servers.get).toEqual(turn('late'));
});

test('a server that is not there, or talks nonsense, is said in one sentence', async () => {
  const service = await startService(() => ({ body: '<html>' }));
  const port = await freePort();
  const host = new URL(service.url).host;
  const problem = async (url: string) => (await kept(askServer(url, 'car1'))).servers.warnings();
  expect(await problem(service.url)).toEqual([
    `There are no STUN and TURN servers yet: the answer of the server ${host} makes no sense.`,
  ]);
  service.reply = () => ({ status: 502, body: '' });
  expect(await problem(service.url)).toEqual([
    `There are no STUN and TURN servers yet: the server ${host} answered 502.`,
  ]);
  expect(await problem(`http://127.0.0.1:${port}`)).toEqual([
    `There are no STUN and TURN servers yet: the server 127.0.0.1:${port} can't be reached.`,
  ]);
});

test('a fixed list is used as it is', async () => {
  const servers = await keepIceServers(turn('fixed'), systemClock, recordLog().log);
  expect(servers.get()).toEqual(turn('fixed'));
});

test('plntry vehicle makes its own from the environment, without a server', async () => {
  const refusing = await startService(() => ({ status: 401, body: '' }));
  const { mqttUrl } = await testServer({ ice: iceFromEnvironment({}) });
  const ears = await testListener(mqttUrl, 'rooms/car9/peers/car9');
  const cli = spawnCli(['vehicle', '--room', 'car9', '--broker', mqttUrl], {
    PLNTRY_TWILIO_ACCOUNT_SID: 'AC1',
    PLNTRY_TWILIO_AUTH_TOKEN: 'hush',
    PLNTRY_TWILIO_API_URL: refusing.url,
  });
  await cli.printed(/Twilio TURN refused the auth token \(401\)\. Check PLNTRY_TWILIO_AUTH_TOKEN\./);
  await ears.message('presence', ({ text }) => text.includes('"online"'));
  expect(cli.stderr()).not.toContain('hush');
});

test('the vehicle of plntry start asks its server, and takes no variable for its own', async () => {
  const service = await startService(() => ({ status: 401, body: '' }));
  const cli = spawnCli(['start', '--port', '0', '--mqtt-port', '0'], {
    PLNTRY_STUN_URLS: 'stun:127.0.0.1:9',
    PLNTRY_TWILIO_ACCOUNT_SID: 'AC1',
    PLNTRY_TWILIO_AUTH_TOKEN: 'hush',
    PLNTRY_TWILIO_API_URL: service.url,
  });
  await cli.printed(/Open/);
  // Its log has the warning that came with the server's answer; its own variables it would have refused.
  await cli.printed(/"name":"car1".*Twilio TURN refused the auth token \(401\)/);
  expect(cli.stderr()).not.toContain('hush');
});
