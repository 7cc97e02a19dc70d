/** The pages in a real browser, with a real broker and a real (simulated) car. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { iceFromEnvironment } from '../../broker/ice/from-environment.ts';
import type { RoomView } from '../../shared/room-view.ts';
import { testListener, testOperator, testVehicle } from '../helpers/room.ts';
import { startService } from '../helpers/service.ts';
import { driveUntil, live, picturesChange, sentenceOf, untilNumber, usePages } from './browser.ts';

const pages = usePages();

const row = (page: Page, name: string) => page.getByRole('link', { name: new RegExp(`\\b${name}\\b`) });
const release = (page: Page) => page.getByRole('button', { name: 'Release' });

test('from the fleet into the car: one click, without loading the page anew', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const page = await pages.open(server.webUrl);
  await page.evaluate(() => Object.assign(window, { stillHere: true }));
  await row(page, 'car1').click();
  await live(page);
  await picturesChange(page);
  expect(new URL(page.url()).pathname).toBe('/rooms/car1');
  expect(await page.evaluate(() => 'stillHere' in window)).toBe(true);
  expect(Number(await page.locator('video').getAttribute('data-first-frame-ms'))).toBeGreaterThan(0);
  await page.goBack();
  await row(page, 'car1').waitFor();
});

const prepared = ({ offer }: RoomView) =>
  offer?.sessions.filter(({ phase, prepared }) => prepared && phase === 'connected') ?? [];

test('while the pointer rests on a car its session is made, unseen by all; the click takes it', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const watcher = testOperator(server.mqttUrl);
  const page = await pages.open(server.webUrl);
  await row(page, 'car1').hover();
  await watcher.until('a session is made', (view) => prepared(view).length === 1);
  const [made] = prepared(watcher.view);
  expect(Object.keys(watcher.view.operators)).toEqual([watcher.id]);
  await row(page, 'car1').getByText('1 watching').waitFor();
  await row(page, 'car1').click();
  await watcher.until('the page is seen', ({ operators }) => Object.keys(operators).length === 2);
  await live(page);
  const taken = watcher.view.offer?.sessions.find(({ peer }) => peer !== watcher.id);
  expect(taken?.session).toBe(made?.session);
});

test('a car that the keyboard is on is prepared like one that the pointer is on', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const watcher = testOperator(server.mqttUrl);
  const page = await pages.open(server.webUrl);
  await row(page, 'car1').focus();
  await watcher.until('a session is made', (view) => prepared(view).length === 1);
  await page.keyboard.press('Enter');
  await watcher.until('the page is seen', ({ operators }) => Object.keys(operators).length === 2);
  await live(page);
});

test('a vehicle that does not know of preparing hears of nobody before the click', async () => {
  const server = await pages.server();
  const ears = await testListener(server.mqttUrl);
  const online = { v: 1, ts: 1, state: 'online', role: 'vehicle', epoch: 1, since: 1 };
  const say = (room: string) =>
    ears.client.publishAsync(`rooms/${room}/peers/${room}`, JSON.stringify(online), { qos: 1, retain: true });
  await say('old1');
  await testVehicle(server.mqttUrl);
  const page = await pages.open(server.webUrl);
  // A button that goes down prepares at once. What was to be said to the first is said when the second has
  // its session.
  await row(page, 'old1').dispatchEvent('pointerdown');
  await row(page, 'car1').hover();
  await ears.message('a session with the other', ({ text }) => text.includes('"prepared":true'));
  expect(ears.heard.filter(({ topic }) => topic.startsWith('rooms/old1/peers/op-'))).toEqual([]);
  await row(page, 'old1').click();
  await ears.message('the operator', ({ topic }) => topic.startsWith('rooms/old1/peers/op-'));
});

test('a phone that is the vehicle prepares too, and films for nobody who has not entered', async () => {
  const server = await pages.server();
  const phone = await pages.open(`${server.webUrl}/vehicle/phone1`);
  await phone.getByRole('button', { name: /start/i }).click();
  const ahead = testOperator(server.mqttUrl, 'phone1', 'rooms', 'preparing');
  await ahead.until('connected', ({ link }) => link.phase === 'connected');
  const watcher = testOperator(server.mqttUrl, 'phone1');
  await watcher.until('a second of video', () => watcher.received.packets > 60);
  expect(ahead.received.packets).toBe(0);
  ahead.enter();
  await ahead.until('video', () => ahead.received.packets > 0);
});

test('W drives, letting go slows down, Space is the emergency stop, and after a reset W drives again', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const witness = testOperator(server.mqttUrl);
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await live(page);
  const fast = await driveUntil(page, 10);
  await release(page).waitFor();
  await page.getByText('You drive', { exact: true }).waitFor();
  await witness.until(
    'telemetry says so',
    ({ telemetry }) => Number(telemetry?.values['Vehicle.Speed']) > 10,
  );
  await page.keyboard.up('KeyW');
  await untilNumber(page, 'Throttle', (percent) => percent === 0);
  await untilNumber(page, 'Speed', (kmh) => kmh < fast);
  await page.keyboard.press('Space');
  await page.getByText('Emergency stop by you. The car stays until it is reset.').waitFor();
  await witness.until('it is for everyone', ({ safety }) => safety?.state === 'estopped');
  await page.keyboard.down('KeyW');
  await untilNumber(page, 'Speed', (kmh) => kmh === 0);
  // The key that was down all the time moves nothing after the reset either.
  await page.getByRole('button', { name: 'Reset stop' }).click();
  await witness.until('it is over', (_, state) => state?.safety !== 'estopped');
  await page.keyboard.up('KeyW');
  await driveUntil(page, 3);
  await page.keyboard.up('KeyW');
});

test('a picture that stands still is said to at once, and nobody drives by it', async () => {
  const server = await pages.server();
  // One picture a second.
  await testVehicle(server.mqttUrl, { fps: 1 });
  const witness = testOperator(server.mqttUrl);
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await sentenceOf(page).getByText('The picture stands still').waitFor();
  await page.keyboard.down('KeyW');
  await page.getByText('The picture stands still. Let go of the throttle').waitFor();
  await witness.until('no throttle', ({ lease }, state) => lease?.holder !== null && state?.throttle === 0);
  await page.keyboard.up('KeyW');
});

test('a window that is not in front any more lets go of everything', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const witness = testOperator(server.mqttUrl);
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await live(page);
  await driveUntil(page, 5);
  await page.evaluate(() => window.dispatchEvent(new Event('blur')));
  await page.getByText('You let go of the wheel: this window is not in front any more.').waitFor();
  await witness.until('the car stands', ({ lease }, state) => lease?.holder === null && state?.speed === 0);
});

test('a second operator is told who drives', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const first = testOperator(server.mqttUrl);
  await first.until('connected', ({ link }) => link.phase === 'connected');
  first.request();
  await first.until('drives', ({ claim }) => claim.state === 'held');
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await live(page);
  await page.getByText(`${first.id} drives`).first().waitFor();
  await page.keyboard.press('KeyW', { delay: 200 });
  await page.getByText(`You can’t drive now: ${first.id} is driving.`).waitFor();
});

test('a car that leaves is said to be offline; when it is back, so is the picture', async () => {
  const server = await pages.server();
  const car = await testVehicle(server.mqttUrl);
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await live(page);
  await car.close();
  await sentenceOf(page).getByText('car1 is offline').waitFor();
  await testVehicle(server.mqttUrl);
  await live(page);
  await picturesChange(page);
});

test('a console that came before its car says so, and shows it when it comes', async () => {
  const server = await pages.server();
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await sentenceOf(page).getByText('car1 isn’t here').waitFor();
  await testVehicle(server.mqttUrl);
  await live(page);
});

test('a phone as the car: seen, driven, and gone when it leaves', async () => {
  const server = await pages.server();
  const phone = await pages.open(`${server.webUrl}/vehicle/phone1`, { permissions: ['camera'] });
  await phone.getByRole('button', { name: 'Start' }).click();
  await phone.getByText('Waiting to be called').waitFor();
  const page = await pages.open(server.webUrl);
  await row(page, 'phone1').click();
  await live(page);
  await picturesChange(page);
  await phone.getByText('Seen by 1 operator').waitFor();
  await page.keyboard.down('KeyW');
  await phone.getByText('Told to').waitFor();
  await untilNumber(page, 'Throttle', (percent) => percent === 100);
  await page.keyboard.up('KeyW');
  await phone.getByRole('button', { name: 'Leave' }).click();
  await sentenceOf(page).getByText('phone1 is offline').waitFor();
});

test('search and filter live in the address bar; arrows and Enter lead to the car', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl, { room: 'car1' });
  await testVehicle(server.mqttUrl, { room: 'kart' });
  const page = await pages.open(server.webUrl);
  await row(page, 'kart').waitFor();
  await row(page, 'car1').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('kar');
  await row(page, 'car1').waitFor({ state: 'detached' });
  await page.getByRole('radio', { name: /Lost/ }).check();
  await page.getByText('None of 2 matches “kar” and state lost.').waitFor();
  expect(new URL(page.url()).search).toBe('?q=kar&state=lost');
  await page.reload();
  await page.getByText('None of 2 matches “kar” and state lost.').waitFor();
  await page.getByRole('radio', { name: /All/ }).check();
  await row(page, 'kart').waitFor();
  await page.getByRole('searchbox').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await live(page);
  expect(new URL(page.url()).pathname).toBe('/rooms/kart');
});

test('ICE servers that are missing are said on the fleet and on the console, and driving goes on', async () => {
  const service = await startService(() => ({ status: 401, body: '' }));
  const account = { PLNTRY_TWILIO_ACCOUNT_SID: 'AC1', PLNTRY_TWILIO_AUTH_TOKEN: 'wrong' };
  const ice = iceFromEnvironment({ ...account, PLNTRY_TWILIO_API_URL: service.url });
  const server = await pages.server({ ice });
  await testVehicle(server.mqttUrl);
  const page = await pages.open(server.webUrl, { viewport: { width: 1440, height: 900 } });
  const warnings = page.getByRole('list', { name: 'ICE servers' });
  await warnings
    .getByText('Twilio TURN refused the auth token (401). Check PLNTRY_TWILIO_AUTH_TOKEN.')
    .waitFor();
  await row(page, 'car1').click();
  await live(page);
  await page.getByRole('region', { name: 'Connection' }).getByRole('list', { name: 'ICE servers' }).waitFor();
});

test('a page asks for ICE servers with an operator’s id, a phone that is a car with its own', async () => {
  const server = await pages.server();
  const asked = (page: Page) =>
    page.waitForRequest(/\/api\/ice/).then((request) => new URL(request.url()).search);
  const console = await pages.open('about:blank');
  const operator = asked(console);
  await console.goto(`${server.webUrl}/rooms/car1`);
  expect(await operator).toMatch(/^\?peer=op-[0-9a-f]{8}$/);
  const phone = await pages.open(`${server.webUrl}/vehicle/phone7`, { permissions: ['camera'] });
  const vehicle = asked(phone);
  await phone.getByRole('button', { name: 'Start' }).click();
  expect(await vehicle).toBe('?peer=phone7');
});
