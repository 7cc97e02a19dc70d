/** What the console says of who the car is, with a real car, a real browser, and somebody else in between. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createSigner, fingerprintOf, newKey, publicKeyOf } from '../../shared/signature.ts';
import { readKey } from '../../vehicle/own-key.ts';
import { testFolder } from '../helpers/folder.ts';
import { testListener, testOperator, testVehicle } from '../helpers/room.ts';
import { live, picturesChange, sentenceOf, usePages } from './browser.ts';

const pages = usePages();
const WIDE = { viewport: { width: 1440, height: 900 } };

const keyIn = (file: string) => publicKeyOf(readKey(file) ?? '');
const fact = (page: Page, name: string) =>
  page
    .getByRole('region', { name: 'Connection' })
    .locator('div', { has: page.getByText(name, { exact: true }) });

const keyShown = (page: Page, what: string) =>
  page.locator('.keys-shown div', { has: page.getByText(what, { exact: true }) });

test('a car is new, then known; with another key it is refused until the new one is trusted', async () => {
  const keyFile = join(testFolder(), 'keys', 'car1.key');
  const server = await pages.server();
  const first = await testVehicle(server.mqttUrl, { keyFile });
  const page = await pages.open(`${server.webUrl}/rooms/car1`, WIDE);
  await live(page);
  const before = keyIn(keyFile);
  await fact(page, 'Car’s key').getByText(fingerprintOf(before)).waitFor();
  await fact(page, 'The car is')
    .getByText(/^new here/)
    .waitFor();
  await page.reload();
  await live(page);
  await fact(page, 'The car is').getByText('as this browser has seen it before').waitFor();

  await first.close();
  await sentenceOf(page).getByText('car1 is offline').waitFor();
  rmSync(keyFile);
  await testVehicle(server.mqttUrl, { keyFile });
  await sentenceOf(page).getByText('car1 shows another key than before').waitFor();
  const now = keyIn(keyFile);
  await keyShown(page, 'It was').getByText(fingerprintOf(before)).waitFor();
  await keyShown(page, 'Now it is').getByText(fingerprintOf(now)).waitFor();
  expect(await page.locator('video').getAttribute('data-link')).not.toMatch(/connect/);
  await page.getByRole('button', { name: 'Trust the new key' }).click();
  await live(page);
  await fact(page, 'Car’s key').getByText(fingerprintOf(now)).waitFor();
});

test('a car that the fleet knows is known by it; under another key it is refused until the list has that', async () => {
  const keyFile = join(testFolder(), 'keys', 'car1.key');
  const vehicleKeys = join(testFolder(), 'vehicle-keys.json');
  writeFileSync(vehicleKeys, JSON.stringify({ car1: publicKeyOf(newKey()) }));
  const server = await pages.server({ vehicleKeys });
  await testVehicle(server.mqttUrl, { keyFile });
  const page = await pages.open(`${server.webUrl}/rooms/car1`, WIDE);
  await sentenceOf(page).getByText('car1 shows another key than the fleet knows').waitFor();
  expect(await page.getByRole('button', { name: 'Trust the new key' }).count()).toBe(0);
  writeFileSync(vehicleKeys, JSON.stringify({ car1: keyIn(keyFile) }));
  await page.getByRole('button', { name: 'Try again' }).click();
  await live(page);
  await fact(page, 'The car is').getByText('known by the fleet').waitFor();
});

test('what somebody else offers in the car’s name changes nothing, and is counted', async () => {
  const server = await pages.server();
  const ears = await testListener(server.mqttUrl);
  await testVehicle(server.mqttUrl, { keyFile: join(testFolder(), 'keys', 'car1.key') });
  const page = await pages.open(`${server.webUrl}/rooms/car1`, WIDE);
  await live(page);
  const { topic, text } = await ears.message('the offer', (said) =>
    said.topic.startsWith('rooms/car1/sdp/car1/'),
  );
  const operator = topic.split('/').at(-1) ?? '';
  const { key: _key, sig: _sig, ...offer } = JSON.parse(text);
  const newer = { ...offer, session: `${offer.session.slice(0, -4)}zzzz` };
  const forge = createSigner('car1', 'car1', newKey());
  for (const message of [newer, forge(operator, newer)])
    await ears.client.publishAsync(topic, JSON.stringify(message), { qos: 1 });
  await fact(page, 'Offers refused').getByText('2: not the car’s').waitFor();
  await fact(page, 'Session').getByText(offer.session).waitFor();
  await picturesChange(page);
});

test('a phone that is the car signs with a key that it keeps', async () => {
  const server = await pages.server();
  const ears = await testListener(server.mqttUrl);
  const phone = await pages.open(`${server.webUrl}/vehicle/phone1`, { permissions: ['camera'] });
  const offered = async (from: number) => {
    await phone.getByRole('button', { name: 'Start' }).click();
    const operator = testOperator(server.mqttUrl, 'phone1');
    const { text } = await ears.message(
      'an offer',
      ({ topic }) => topic.endsWith(`sdp/phone1/${operator.id}`),
      from,
    );
    return JSON.parse(text);
  };
  const first = await offered(0);
  expect(first).toMatchObject({ key: expect.any(String), sig: expect.any(String) });
  const heard = ears.heard.length;
  await phone.reload();
  expect((await offered(heard)).key).toBe(first.key);
});
