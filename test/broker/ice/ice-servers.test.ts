/** All providers as one answer: merged, kept for a part of their life, and none takes another with it. */
import { expect, test } from 'vitest';
import { cloudflare } from '../../../broker/ice/cloudflare.ts';
import { coturn } from '../../../broker/ice/coturn.ts';
import { fixedIceServers } from '../../../broker/ice/fixed.ts';
import { createIceServers } from '../../../broker/ice/ice-servers.ts';
import type { IceProvider } from '../../../broker/ice/provider.ts';
import { testClock } from '../../helpers/clock.ts';
import { recordLog } from '../../helpers/log.ts';
import { type Reply, startService } from '../../helpers/service.ts';

const TTL = 3_600;
const TOKEN = 'open-sesame';
const MINUTE = 60_000;
const stun = fixedIceServers([{ urls: 'stun:stun.example.org' }]);

const granted = (count: number): Reply => ({
  status: 201,
  body: { iceServers: [{ urls: ['turn:turn.example.org'], username: `user ${count}`, credential: 'c' }] },
});

/** Cloudflare's API on this machine, and the answers of a server that uses it. */
async function withService(more: IceProvider[] = []) {
  const clock = testClock();
  const { log, entries } = recordLog();
  const service = await startService(() => granted(service.asked.length));
  const provider = cloudflare({ keyId: 'k', apiToken: TOKEN, ttl: TTL, baseUrl: service.url });
  const source = createIceServers({ providers: [...more, provider], ttl: TTL }, clock, log);
  const users = async () => (await source.iceServers('op-1')).iceServers.map(({ username }) => username);
  return { clock, entries, service, source, users };
}

test('the answers of all providers are one list, and its ttl is that of the shortest', async () => {
  const clock = testClock();
  const turn = coturn({ urls: ['turn:own.example.org'], secret: 's', ttl: 900, now: clock.now });
  const { source } = await withService([stun, turn]);
  const { iceServers, ttl, warnings } = await source.iceServers('op-1');
  expect(iceServers.map(({ urls }) => [urls].flat()[0])).toEqual([
    'stun:stun.example.org',
    'turn:own.example.org',
    'turn:turn.example.org',
  ]);
  expect(ttl).toBe(900);
  expect(warnings).toBeUndefined();
});

test('nothing is handed out for longer than an hour', async () => {
  const day: IceProvider = { ...stun, iceServers: async () => ({ iceServers: [], ttl: 86_400 }) };
  const source = createIceServers({ providers: [day], ttl: 86_400 }, testClock(), recordLog().log);
  expect((await source.iceServers('op-1')).ttl).toBe(3_600);
});

test('a thousand peers cost one request, for the first half of its life', async () => {
  const { clock, service, source, users } = await withService();
  const all = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => source.iceServers(`op-${index}`)),
  );
  expect(service.asked).toHaveLength(1);
  expect(new Set(all.map(({ ttl }) => ttl))).toEqual(new Set([TTL]));
  await clock.pass(29 * MINUTE);
  expect((await source.iceServers('op-1')).ttl).toBe(TTL - 29 * 60);
  expect(service.asked).toHaveLength(1);
  await clock.pass(MINUTE);
  // Nobody waits for the next while there is a valid one.
  const asked = service.next();
  expect(await users()).toEqual(['user 1']);
  await asked;
  await expect.poll(users).toEqual(['user 2']);
  expect(service.asked).toHaveLength(2);
});

test('while a service fails its last answer is served as long as it is valid, with a warning', async () => {
  const { clock, service, source, users } = await withService([stun]);
  expect(await users()).toEqual([undefined, 'user 1']);
  service.reply = () => ({ status: 500, body: '' });
  await clock.pass(31 * MINUTE);
  await source.iceServers('op-1');
  const warnings = async () => (await source.iceServers('op-1')).warnings;
  await expect.poll(warnings).toEqual(['Cloudflare TURN has a fault of its own (500).']);
  expect(await users()).toEqual([undefined, 'user 1']);
  await clock.pass(29 * MINUTE);
  expect(await users()).toEqual([undefined]);
  const { iceServers, ttl } = await source.iceServers('op-1');
  expect(iceServers).toHaveLength(1);
  expect(ttl).toBe(TTL);
});

test('a service that fails is asked again after growing pauses, and not for each request', async () => {
  const { clock, service, source, users, entries } = await withService();
  service.reply = () => ({ status: 401, body: '' });
  const times: number[] = [];
  const start = clock.now();
  for (let second = 0; second < 120; second++) {
    const before = service.asked.length;
    await source.iceServers('op-1');
    await source.iceServers('op-2');
    if (service.asked.length > before) times.push((clock.now() - start) / 1_000);
    await clock.pass(1_000);
  }
  expect(times).toEqual([0, 5, 15, 35, 75]);
  service.reply = () => granted(1);
  await clock.pass(5 * MINUTE);
  expect(await users()).toEqual(['user 1']);
  expect((await source.iceServers('op-1')).warnings).toBeUndefined();
  // The same sentence is logged once, and so is its end.
  expect(entries.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'Cloudflare TURN refused the API token (401). Check PLNTRY_CLOUDFLARE_TURN_API_TOKEN.'],
    ['info', 'Cloudflare TURN answers again'],
  ]);
});

test('a service that does not answer keeps nobody waiting for longer than three seconds', async () => {
  const { clock, service, source } = await withService([stun]);
  service.reply = () => null;
  const asked = service.next();
  const answer = source.iceServers('op-1');
  await asked;
  await clock.pass(3_000);
  const { iceServers, warnings } = await answer;
  expect(iceServers).toHaveLength(1);
  expect(warnings).toEqual([
    `Cloudflare TURN did not answer in time. Check that this machine reaches ${new URL(service.url).host}.`,
  ]);
});

test('two services are asked at the same time', async () => {
  const both = Promise.withResolvers<void>();
  let asked = 0;
  // Neither answers before the other has been asked.
  const reply = async (): Promise<Reply> => {
    if (++asked === 2) both.resolve();
    await both.promise;
    return granted(asked);
  };
  const services = [await startService(reply), await startService(reply)];
  const providers = services.map(({ url }) =>
    cloudflare({ keyId: 'k', apiToken: TOKEN, ttl: TTL, baseUrl: url }),
  );
  const source = createIceServers({ providers, ttl: TTL }, testClock(), recordLog().log);
  expect((await source.iceServers('op-1')).iceServers).toHaveLength(2);
});

test('no secret and no credential gets into a log or a warning, whatever a service does', async () => {
  const { clock, service, source, entries } = await withService();
  const hostile = `${TOKEN} turn:user:hush@host`;
  const replies: Reply[] = [
    { status: 401, body: hostile },
    { status: 500, body: hostile },
    { status: 200, body: hostile },
    { status: 200, body: { iceServers: [{ urls: hostile, username: TOKEN, credential: 'hush' }] } },
    { status: 302, body: '', headers: { Location: `http://127.0.0.1:1/${TOKEN}` } },
    { status: 418, body: hostile },
    { status: 201, body: { iceServers: [{ urls: 'turn:a', username: 'u', credential: 'hush' }] } },
  ];
  for (const reply of replies) {
    service.reply = () => reply;
    const { warnings = [] } = await source.iceServers('op-1');
    expect(warnings.join()).not.toMatch(/open-sesame|hush/);
    await clock.pass(10 * MINUTE);
  }
  expect(service.asked).toHaveLength(replies.length);
  expect(JSON.stringify(entries)).not.toMatch(/open-sesame|hush/);
});
