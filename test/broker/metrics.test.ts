import { expect, test } from 'vitest';
import { cloudflare } from '../../broker/ice/cloudflare.ts';
import { type Body, buildMessage } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import { guardedServer } from '../helpers/access.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { parseMetrics, type Scraped } from '../helpers/prometheus.ts';
import { testOperator, testServer, testVehicle } from '../helpers/room.ts';
import { startService } from '../helpers/service.ts';

async function scrape(webUrl: string, token?: string): Promise<Map<string, Scraped>> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`${webUrl}/metrics`, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  return parseMetrics(await response.text());
}

const only = (families: Map<string, Scraped>, name: string) => families.get(name)?.samples[0]?.value;

test('a scrape shows who is there, what was asked of the server, and the process itself', async () => {
  const { webUrl, mqttUrl } = await testServer({ budgets: { all: 5e9, cars: new Map() } });
  const empty = await scrape(webUrl);
  expect(only(empty, 'plntry_mqtt_clients')).toBe(0);
  expect(only(empty, 'plntry_vehicles_online')).toBe(0);
  expect(only(empty, 'plntry_sessions')).toBe(0);
  expect(empty.get('plntry_relay_budget_bytes')?.samples).toMatchObject([
    { labels: { scope: 'all' }, value: 5e9 },
  ]);
  expect(only(empty, 'process_cpu_seconds_total')).toBeGreaterThan(0);

  const vehicle = await testVehicle(mqttUrl);
  const operator = testOperator(mqttUrl);
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  await expect.poll(async () => only(await scrape(webUrl), 'plntry_sessions')).toBe(1);
  const full = await scrape(webUrl);
  expect(only(full, 'plntry_mqtt_clients')).toBe(2);
  expect(only(full, 'plntry_vehicles_online')).toBe(1);

  await operator.close();
  await vehicle.close();
  await expect.poll(async () => only(await scrape(webUrl), 'plntry_mqtt_clients')).toBe(0);
  expect(only(await scrape(webUrl), 'plntry_vehicles_online')).toBe(0);
});

test('requests are told apart by a fixed list of routes, whatever is asked for', async () => {
  const { webUrl } = await testServer({ pages: '/nowhere' });
  for (const path of ['/api/fleet', '/api/ice', '/rooms/car1', '/rooms/car2', '/x1', '/x2', '/api/y']) {
    await fetch(webUrl + path);
  }
  await fetch(`${webUrl}/api/fleet`, { method: 'PROPFIND' });
  const requests = (await scrape(webUrl)).get('plntry_http_request_duration_seconds');
  expect(requests?.type).toBe('histogram');
  const counts = requests?.samples.filter(({ name }) => name.endsWith('_count')) ?? [];
  const rows = counts.map(
    ({ labels, value }) => `${labels.method} ${labels.route} ${labels.status} ${value}`,
  );
  expect(rows.sort()).toEqual([
    'GET /api/fleet 2xx 1',
    'GET /api/ice 2xx 1',
    'GET other 4xx 3',
    'GET page 5xx 2',
    'other /api/fleet 4xx 1',
  ]);
});

test('a service that gives no ICE servers is counted', async () => {
  const service = await startService(() => ({ status: 503, body: {} }));
  const provider = cloudflare({ keyId: 'k', apiToken: 't', ttl: 600, baseUrl: service.url });
  const { webUrl } = await testServer({ ice: { providers: [provider], ttl: 600 } });
  await fetch(`${webUrl}/api/ice?peer=op-1`);
  const failures = (await scrape(webUrl)).get('plntry_ice_provider_failures_total');
  expect(failures?.samples).toMatchObject([{ labels: { provider: provider.name }, value: 1 }]);
});

test('rooms that somebody makes up show no numbers, and other ones only when something was relayed', async () => {
  const { webUrl, mqttUrl } = await testServer();
  const client = await connectMqtt(mqttUrl);
  const topics = createTopics();
  for (let made = 0; made < 50; made++) {
    await client.publishAsync(topics.link(`car${made}`, 'op-1'), 'x', { qos: 1 });
  }
  await expect.poll(async () => only(await scrape(webUrl), 'plntry_relay_reports_dropped_total')).toBe(50);
  const families = await scrape(webUrl);
  expect(families.get('plntry_relay_bytes_total')?.samples).toEqual([]);
  expect(families.get('plntry_relay_month_bytes')?.samples).toEqual([]);
});

test('a token sees its own rooms, and only one for all rooms what is summed up over them', async () => {
  const budgets = { all: 5e9, cars: new Map() };
  const { webUrl, mqttUrl, login } = await guardedServer({ budgets: { ...budgets, car: 1e9 } });
  const topics = createTopics();
  const link = { path: 'relay', protocol: 'udp', rttMs: 1, lossPct: 0, kbps: 1 } as const;
  for (const [room, relayBytes] of Object.entries({ car1: 1_000, car2: 2_000, 'van-1': 4_000 })) {
    const client = await connectMqtt(mqttUrl, await login(room, 'vehicle', [room]));
    const online: Body<'presence'> = { state: 'online', role: 'vehicle', epoch: 1, since: 1 };
    const told = buildMessage('presence', online, Date.now());
    await client.publishAsync(topics.presence(room, room), told, { qos: 1, retain: true });
    const body = { ...link, session: '000000001-0001', relayBytes };
    await client.publishAsync(topics.link(room, 'op-1'), buildMessage('link', body, Date.now()), { qos: 1 });
  }
  const tokenOf = async (...rooms: string[]) => (await login('mon-1', 'monitor', rooms)).password;
  const tokens = { all: await tokenOf('*'), car: await tokenOf('car1'), pattern: await tokenOf('car*') };
  const sums = ['plntry_relay_month_all_bytes', 'plntry_mqtt_clients', 'plntry_limit_used'];
  await expect.poll(async () => only(await scrape(webUrl, tokens.all), sums[0] ?? '')).toBe(7_000);

  // At once, so that what one sees is not mixed with what another does.
  const [all, car, pattern] = await Promise.all([
    scrape(webUrl, tokens.all),
    scrape(webUrl, tokens.car),
    scrape(webUrl, tokens.pattern),
  ]);
  const seen = (families: Map<string, Scraped>) =>
    ['plntry_relay_bytes_total', 'plntry_relay_month_bytes', 'plntry_relay_budget_bytes'].map((name) =>
      families
        .get(name)
        ?.samples.map(({ labels }) => labels.room ?? labels.scope)
        .sort(),
    );
  const everything = ['car1', 'car2', 'van-1'];
  expect(seen(all)).toEqual([everything, everything, ['all', ...everything]]);
  expect(seen(car)).toEqual([['car1'], ['car1'], ['car1']]);
  expect(seen(pattern)).toEqual([
    ['car1', 'car2'],
    ['car1', 'car2'],
    ['car1', 'car2'],
  ]);
  expect([all, car, pattern].map((one) => only(one, 'plntry_vehicles_online'))).toEqual([3, 1, 2]);
  for (const name of [...sums, 'plntry_limit_hits_total', 'plntry_relay_reports_dropped_total'])
    expect([name, all.has(name), car.has(name), pattern.has(name)]).toEqual([name, true, false, false]);
  const supervisor = (await login('sv-1', 'supervisor', ['car2'])).password;
  expect(seen(await scrape(webUrl, supervisor))).toEqual([['car2'], ['car2'], ['car2']]);
  expect(only(car, 'process_cpu_seconds_total')).toBeGreaterThan(0);
});
