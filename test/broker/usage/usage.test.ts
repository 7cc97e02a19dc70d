/** Relayed data counted, published and limited: a real broker, and clients that say what vehicles say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../broker/serve.ts';
import { NO_BUDGETS, usageBody } from '../../../broker/usage/budget.ts';
import { startUsage } from '../../../broker/usage/usage.ts';
import { buildMessage, type Usage } from '../../../shared/messages.ts';
import { createTopics } from '../../../shared/topics.ts';
import { recordLog } from '../../helpers/log.ts';
import { startMosquitto } from '../../helpers/mosquitto.ts';
import { connectMqtt, retainedMessages } from '../../helpers/mqtt-clients.ts';
import { testListener, testServer } from '../../helpers/room.ts';

const topics = createTopics();
/** A vehicle's run that began a minute ago: a session can't have carried much before that. */
const EPOCH = Date.now() - 60_000;
const sessionId = (made: number) =>
  `${EPOCH.toString(36).padStart(9, '0')}-${made.toString(36).padStart(4, '0')}`;

/** A client that says what vehicles say. */
async function fleetOf(url: string) {
  const client = await connectMqtt(url);
  const retain = { qos: 1 as const, retain: true };
  return {
    client,
    there: (room: string) =>
      client.publishAsync(
        topics.presence(room, room),
        buildMessage(
          'presence',
          { state: 'online', role: 'vehicle', epoch: EPOCH, since: EPOCH },
          Date.now(),
        ),
        retain,
      ),
    forget: (room: string) => client.publishAsync(topics.presence(room, room), '', retain),
    relayed: (room: string, relayBytes: number, made = 1) =>
      client.publishAsync(
        topics.link(room, 'op-1'),
        buildMessage(
          'link',
          {
            session: sessionId(made),
            path: 'relay',
            protocol: 'udp',
            rttMs: 1,
            lossPct: 0,
            kbps: 1,
            relayBytes,
          },
          Date.now(),
        ),
        { qos: 1 },
      ),
  };
}

/** What is published of vehicles, as a listener hears it. */
async function usageOf(url: string) {
  const ears = await testListener(url, topics.usage('+'));
  return (room: string, what: string, fits: (usage: Usage) => boolean): Promise<Usage> =>
    ears
      .message(
        `${room}: ${what}`,
        ({ topic, text }) => topic === topics.usage(room) && text !== '' && fits(JSON.parse(text)),
      )
      .then(({ text }) => JSON.parse(text));
}

const metric = async (webUrl: string, line: string) => {
  const text = await (await fetch(`${webUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length),
  );
};

const brokers = {
  'the embedded broker': async (options: Parameters<typeof testServer>[0]) => {
    const server = await testServer(options);
    return { ...server, url: server.mqttUrl };
  },
  'an external Mosquitto': async (options: Parameters<typeof testServer>[0]) => {
    const { url, webSocketUrl } = await startMosquitto();
    return { ...(await testServer({ ...options, external: { url, pageUrl: webSocketUrl } })), url };
  },
};

describe.each(Object.entries(brokers))('on %s', (_name, start) => {
  test('what vehicles relay is added up, and told of each with its budget; repetitions count once', async () => {
    const budgets = { all: 10_000, car: 1000, cars: new Map([['car2', 100_000]]), limitKbps: 300 };
    const { url, webUrl } = await start({ budgets });
    const fleet = await fleetOf(url);
    const heard = await usageOf(url);
    await fleet.there('car1');
    await fleet.there('car2');
    const first = await heard('car1', 'at once', () => true);
    expect(first).toMatchObject({
      car: { relayBytes: 0, budgetBytes: 1000 },
      all: { relayBytes: 0, budgetBytes: 10_000 },
      level: 'fine',
      month: new Date().toISOString().slice(0, 7),
    });

    for (const bytes of [500, 500, 800, 600]) await fleet.relayed('car1', bytes);
    expect((await heard('car1', 'warned', ({ level }) => level === 'warning')).car.relayBytes).toBe(800);
    await fleet.relayed('car1', 150, 2);
    await fleet.relayed('car1', 250, 2);
    const exceeded = await heard('car1', 'exceeded', ({ level }) => level === 'exceeded');
    expect(exceeded).toMatchObject({ car: { relayBytes: 1050 }, limitKbps: 300 });

    await fleet.relayed('car2', 9000);
    const both = await Promise.all(
      ['car1', 'car2'].map((room) =>
        heard(room, 'the budget of all', ({ all, level }) => all.relayBytes > 10_000 && level === 'exceeded'),
      ),
    );
    expect(both.map(({ limitKbps }) => limitKbps)).toEqual([300, 300]);
    await expect.poll(() => metric(webUrl, 'plntry_relay_month_bytes{room="car1"}')).toBe(1050);
    expect(await metric(webUrl, 'plntry_relay_month_all_bytes')).toBe(10_050);
  });

  test('what is told of a vehicle is retained until the vehicle is forgotten', async () => {
    const { url } = await start({});
    const fleet = await fleetOf(url);
    const ears = await testListener(url, topics.usage('+'));
    await fleet.there('car2');
    await fleet.there('car1');
    await fleet.relayed('car1', 100);
    await ears.message('it', ({ text }) => text !== '');
    expect(Object.keys(await retainedMessages(url, topics.usage('+')))).toEqual(['rooms/car1/usage']);
    await fleet.forget('car1');
    await ears.message('the clearing', ({ text }) => text === '');
    expect(await retainedMessages(url, topics.usage('+'))).toEqual({});
  });
});

test('what a server before has left on a broker goes when there is nothing to say any more', async () => {
  const { url, webSocketUrl } = await startMosquitto();
  const old = usageBody('2027-05', 'car1', { car: 9, all: 9 }, { car: 5, cars: new Map(), limitKbps: 300 });
  const { client } = await testListener(url);
  await client.publishAsync(topics.usage('car1'), buildMessage('usage', old, Date.now()), {
    qos: 1,
    retain: true,
  });
  await testServer({ external: { url, pageUrl: webSocketUrl } });
  await expect.poll(() => retainedMessages(url, topics.usage('+'))).toEqual({});
});

test('a total that no link can carry is dropped, counted and logged once, and the next is counted', async () => {
  const { log, entries, logged } = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0 }, log);
  onTestFinished(() => server.close());
  const fleet = await fleetOf(server.mqttUrl);
  await fleet.relayed('car1', 1000);
  for (const absurd of [1e15, 2e15]) await fleet.relayed('car1', absurd);
  await fleet.client.publishAsync(topics.link('car1', 'op-1'), '{"v":1,"relayBytes":-1}', { qos: 1 });
  await fleet.relayed('car1', 3000);
  await expect.poll(() => metric(server.webUrl, 'plntry_relay_bytes_total{room="car1"}')).toBe(3000);
  expect(await metric(server.webUrl, 'plntry_relay_reports_dropped_total')).toBe(3);
  await logged(({ message }) => message === 'relayed data not counted');
  const said = entries.filter(({ message }) => message === 'relayed data not counted');
  expect(said.map(({ fields }) => fields.reason)).toEqual([
    expect.stringContaining('no link carries that many'),
    expect.stringContaining('ts:'),
  ]);
});

test('a budget’s crossings are logged once each, in words, not again by a new server, and again in a new month', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { url } = await startMosquitto();
  const fleet = await fleetOf(url);
  let now = Date.UTC(2027, 4, 31, 23, 59, 50);
  const counting = async () => {
    const { log, entries, logged } = recordLog();
    const client = await mqtt.connectAsync(url, { protocolVersion: 4 });
    const budgets = { ...NO_BUDGETS, car: 1000 };
    const data = { folder, optional: false };
    const usage = await startUsage(client, { root: 'rooms', budgets, data, now: () => now }, log);
    const close = async () => {
      await usage.close();
      await client.endAsync(true);
    };
    onTestFinished(close);
    return { usage, close, logged, warnings: () => entries.filter(({ level }) => level === 'warn') };
  };
  const first = await counting();
  await fleet.relayed('car1', 850);
  await first.logged(({ message }) => message === 'the budget of car1 for relayed data is used to 80 %');
  await fleet.relayed('car1', 900);
  await expect.poll(() => first.usage.counts().rooms[0]?.bytes).toBe(900);
  expect(first.warnings()).toHaveLength(1);
  await first.close();

  const second = await counting();
  expect(second.usage.counts()).toMatchObject({ month: '2027-05', kept: true, rooms: [{ bytes: 900 }] });
  await fleet.relayed('car1', 1200);
  await second.logged(({ message }) => message === 'the budget of car1 for relayed data is used up');
  expect(second.warnings()).toHaveLength(1);

  now = Date.UTC(2027, 5, 1, 0, 0, 5);
  expect(second.usage.counts()).toMatchObject({ month: '2027-06', all: { bytes: 0 } });
  await fleet.relayed('car1', 2300);
  await expect.poll(() => second.warnings()).toHaveLength(2);
  expect(second.warnings()[1]?.fields).toMatchObject({ month: '2027-06', relayBytes: 1100 });
});

test('a folder that can’t be used ends the start, with one sentence, or is gone without when nobody chose it', async () => {
  const data = { folder: '/dev/null/plntry', optional: false };
  await expect(testServer({ data })).rejects.toThrow(/^Can't keep data in \/dev\/null\/plntry: .* --data\.$/);
  const { log, logged } = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0, data: { ...data, optional: true } }, log);
  onTestFinished(() => server.close());
  await logged(({ message }) => message === 'counting relayed data in memory only');
  expect(await metric(server.webUrl, 'plntry_relay_counts_kept')).toBe(0);
});
