/** What the pages say of the path, with real browsers, a real car and a real TURN server. */
import { expect, test, vi } from 'vitest';
import { testVehicle } from '../helpers/room.ts';
import { startTurnServer } from '../helpers/turn-server.ts';
import { live, offering, pathless, relayOnly, usePages } from './browser.ts';

/** A session that finds no path takes 16 s to fail. */
vi.setConfig({ testTimeout: 60_000 });

const pages = usePages();

test('while it is fine: which path it is, how each end reaches its relay, and what each has', async () => {
  const turn = await startTurnServer();
  const server = await pages.server();
  await testVehicle(server.mqttUrl, { iceServers: turn.servers([turn.udp]) });
  const page = await pages.open('about:blank', { viewport: { width: 1440, height: 900 } });
  await offering(page, turn.servers([turn.tcp]));
  await relayOnly(page);
  await page.goto(`${server.webUrl}/rooms/car1`);
  await live(page);
  const verdict = page.locator('[data-verdict="relayed"]');
  await verdict.waitFor();
  expect(await verdict.getAttribute('data-verdict-state')).toBe('connected');
  expect(await verdict.textContent()).toContain('this browser over TCP');
  const row = (name: string | RegExp) => page.getByRole('row', { name });
  await row('Relays TCP UDP').waitFor();
  await row(/TURN over TCP \d+ ms not configured/).waitFor();
  await row(/TURN over UDP not configured \d+ ms/).waitFor();
});

test('when it fails: both ends say in one sentence which of them lacks what, and what to do', async () => {
  const turn = await startTurnServer();
  const server = await pages.server();
  const phone = await pages.open('about:blank', { permissions: ['camera'] });
  await offering(phone, turn.servers([turn.udp, turn.tcp], 'another secret'));
  await phone.goto(`${server.webUrl}/vehicle/phone1`);
  await phone.getByRole('button', { name: 'Start' }).click();
  await phone.getByText('Waiting to be called').waitFor();
  const page = await pages.open('about:blank');
  await offering(page, turn.servers([turn.udp, turn.tcp], 'another secret'));
  await pathless(page);
  await page.goto(`${server.webUrl}/rooms/phone1`);
  const said = '127.0.0.1 refused their credentials (401). Check PLNTRY_TURN_SECRET.';
  const here = page.locator('[data-verdict="turn-refused"][data-verdict-end="both"]');
  const there = phone.locator('[data-verdict="turn-refused"][data-verdict-end="both"]');
  await Promise.all([here.waitFor(), there.waitFor()]);
  expect(await here.textContent()).toBe(
    `Neither the vehicle nor this browser got a relay candidate: ${said}`,
  );
  expect(await there.textContent()).toMatch(
    /^op-\w+ could not connect\. Neither this vehicle nor the operator got a relay candidate: /,
  );
  expect(await there.textContent()).toContain(said);
});

test('before that, what waiting will not change is said already', async () => {
  const server = await pages.server();
  const servers = [{ urls: 'turn:nowhere.invalid', username: 'u', credential: 'c' }];
  await testVehicle(server.mqttUrl, { iceServers: servers });
  const page = await pages.open('about:blank');
  await offering(page, servers);
  await pathless(page);
  await page.goto(`${server.webUrl}/rooms/car1`);
  const checking = page.locator('[data-verdict="checking"]');
  await checking.getByText('the name nowhere.invalid can’t be resolved.').waitFor();
});
