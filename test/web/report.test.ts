/** What a browser tells its vehicle of the network, heard on the wire, with a real TURN server. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Report } from '../../shared/messages.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { freePort } from '../helpers/ports.ts';
import { testListener, testOperator, testVehicle } from '../helpers/room.ts';
import { startTurnServer } from '../helpers/turn-server.ts';
import { offering, relayOnly, usePages } from './browser.ts';

const pages = usePages();

/** So that no path is found before all servers have answered. */
async function deaf(page: Page): Promise<void> {
  await relayOnly(page);
  await page.addInitScript(() => {
    RTCPeerConnection.prototype.addIceCandidate = async () => {};
  });
}

/** Opens the console of car1 with these ICE servers; resolves with the first report of its browser that fits. */
async function reportOf(
  iceServers: IceServer[],
  fits: (report: Report) => boolean,
  prepare: (page: Page) => Promise<unknown> = relayOnly,
): Promise<Report> {
  const server = await pages.server();
  const ears = await testListener(server.mqttUrl);
  await testVehicle(server.mqttUrl);
  const page = await pages.open('about:blank');
  await offering(page, iceServers);
  await prepare(page);
  await page.goto(`${server.webUrl}/rooms/car1`);
  const { text } = await ears.message(
    'the report',
    (heard) => /\/report\/op-.*\/car1$/.test(heard.topic) && fits(JSON.parse(heard.text)),
  );
  return JSON.parse(text);
}

const settled = ({ servers }: Report) =>
  servers.length > 0 && servers.every(({ answer }) => answer !== 'waiting');
const answersOf = ({ servers }: Report) =>
  Object.fromEntries(servers.map(({ url, answer }) => [url, answer]));

test('each server’s answer, and what came of it', async () => {
  const turn = await startTurnServer();
  const closed = `turn:127.0.0.1:${await freePort()}?transport=tcp`;
  const urls = [turn.stun, turn.udp, turn.tcp, turn.tls, closed];
  const report = await reportOf(turn.servers(urls), settled, deaf);
  expect(answersOf(report)).toEqual({
    [turn.stun]: 'ok',
    [turn.udp]: 'ok',
    [turn.tcp]: 'ok',
    // Of an authority that this browser doesn't know.
    [turn.tls]: 'unreachable',
    [closed]: 'unreachable',
  });
  expect(report.servers.find(({ url }) => url === turn.udp)?.ms).toBeGreaterThan(0);
  // Whichever came first.
  expect(report.gathered).toHaveLength(2);
  expect(report.gathered).toEqual(
    expect.arrayContaining([
      { type: 'relay', protocol: 'udp', relayProtocol: 'udp', family: 'IPv4' },
      { type: 'relay', protocol: 'udp', relayProtocol: 'tcp', family: 'IPv4' },
    ]),
  );
  expect(report.pair).toBeNull();
});

test('credentials that are refused, over UDP and TCP', async () => {
  const turn = await startTurnServer();
  const report = await reportOf(turn.servers([turn.udp, turn.tcp], 'another secret'), settled);
  expect(report.servers).toMatchObject([
    { url: turn.udp, answer: 'refused', code: 401 },
    { url: turn.tcp, answer: 'refused', code: 401 },
  ]);
});

test('a server that is silent is unreachable long before the browser says so', async () => {
  const closed = `turn:127.0.0.1:${await freePort()}`;
  const report = await reportOf([{ urls: closed, username: 'u', credential: 'c' }], settled);
  expect(report.servers).toMatchObject([{ answer: 'unreachable', detail: 'no answer for 5 s' }]);
  expect(report.states.some(({ state }) => state === 'complete')).toBe(false);
});

test('a name that can’t be resolved', async () => {
  const urls = ['turn:nowhere.invalid', 'turn:nowhere.invalid?transport=tcp'];
  const report = await reportOf([{ urls, username: 'u', credential: 'c' }], settled);
  expect(report.servers.map(({ answer }) => answer)).toEqual(['unknown', 'unknown']);
});

test('connected: the pair, how this end reaches its relay, and all states on the way', async () => {
  const turn = await startTurnServer();
  const report = await reportOf(
    turn.servers([turn.tcp]),
    ({ pair, states }) => pair !== null && states.at(-1)?.state === 'open',
  );
  expect(report.pair?.local).toEqual({
    type: 'relay',
    protocol: 'udp',
    relayProtocol: 'tcp',
    family: 'IPv4',
  });
  const states = report.states.map(({ of, state }) => `${of} ${state}`);
  const order = ['gathering gathering', 'ice checking', 'ice connected', 'dtls connected', 'channels open'];
  expect(states.filter((state) => order.includes(state))).toEqual(order);
  expect(JSON.stringify(report)).not.toMatch(/credential|\.local|raddr|192\.0\.2/);
});

test('a direct path: nobody waits for the relays, and nobody blames them', async () => {
  const turn = await startTurnServer();
  const report = await reportOf(
    turn.servers([turn.udp]),
    ({ pair, states }) => pair !== null && states.some(({ state }) => state === 'complete'),
    async () => {},
  );
  expect(report.pair?.local.type).toMatch(/host|prflx|srflx/);
  expect(report.gathered.some(({ type }) => type === 'host')).toBe(true);
  expect(['ok', 'skipped']).toContain(report.servers[0]?.answer);
});

test('a phone as the vehicle tells its operators as well, and its link says how it is relayed', async () => {
  const turn = await startTurnServer();
  const server = await pages.server();
  const phone = await pages.open('about:blank', { permissions: ['camera'] });
  await offering(phone, turn.servers([turn.tcp]));
  await relayOnly(phone);
  await phone.goto(`${server.webUrl}/vehicle/phone1`);
  await phone.getByRole('button', { name: 'Start' }).click();
  await phone.getByText('Waiting to be called').waitFor();
  const operator = testOperator(server.mqttUrl, 'phone1');
  await operator.until('connected', ({ link }) => link.phase === 'connected');
  await operator.until('its report', ({ reports }) => Boolean(reports.there?.pair));
  expect(operator.view.reports.there).toMatchObject({
    servers: [{ url: turn.tcp, answer: 'ok' }],
    pair: { local: { type: 'relay', relayProtocol: 'tcp' } },
  });
  await operator.until('its link', ({ path }) => path !== null);
  expect(operator.view.path).toMatchObject({ path: 'relay', relayProtocol: 'tcp' });
});
