/** Access control as people see it: a real server, a real car, pages in Chromium. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { addEnded } from '../../broker/access/register.ts';
import { fixedCredentials } from '../../shared/credentials.ts';
import { readPass } from '../../shared/pass.ts';
import type { guardedServer } from '../helpers/access.ts';
import { testFolder } from '../helpers/folder.ts';
import { testListener, testOperator, testVehicle } from '../helpers/room.ts';
import { driveUntil, live, sentenceOf, usePages } from './browser.ts';

const pages = usePages();

async function car(server: Awaited<ReturnType<typeof guardedServer>>, room = 'car1') {
  const { password: token } = await server.login(room, 'vehicle', [room]);
  return testVehicle(server.mqttUrl, { room, token });
}

async function comeIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Come in' }).click();
}

const listener = async (server: Awaited<ReturnType<typeof guardedServer>>) =>
  testListener(server.mqttUrl, 'rooms/#', await server.login('mon-1', 'monitor', ['*']));

test('a link, a click, and the car is driven', async () => {
  const server = await pages.guarded();
  await car(server);
  const page = await pages.open(await server.link('operator', ['car1']));
  await sentenceOf(page).getByText('You are invited to drive car1').waitFor();
  expect(page.url()).not.toContain('#');
  await comeIn(page);
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
});

test('without an invitation there is no car to see, and a used one is said to be so', async () => {
  const server = await pages.guarded();
  const page = await pages.open(`${server.webUrl}/rooms/car1`);
  await sentenceOf(page).getByText('You need an invitation').waitFor();
  const link = await server.link('operator', ['car1']);
  await page.goto(link);
  await comeIn(page);
  await page.waitForURL(/\/rooms\/car1$/);
  const another = await pages.open(link);
  await comeIn(another);
  await another.getByText('The invitation has been used already.').waitFor();
  // In the same window, where only what follows # is another.
  await another.goto(await server.link('operator', ['car1']));
  await comeIn(another);
  await another.waitForURL(/\/rooms\/car1$/);
});

test('who may drive one car is told so at another, and sees only that one in the fleet', async () => {
  const server = await pages.guarded();
  await Promise.all([car(server), car(server, 'car2')]);
  const page = await pages.open(await server.link('operator', ['car2']));
  await comeIn(page);
  await live(page);
  await page.goto(`${server.webUrl}/rooms/car1`);
  await sentenceOf(page).getByText('This is not for you').waitFor();
  await page.goto(server.webUrl);
  await page.getByRole('link', { name: /\bcar2\b/ }).waitFor();
  await page.getByText('You may drive car2 until').waitFor();
  expect(await page.getByRole('link', { name: /\bcar1\b/ }).count()).toBe(0);
});

test('a page gets new tokens while it drives, and the drive does not notice', async () => {
  const server = await pages.guarded(4);
  await car(server);
  const page = await pages.open(await server.link('operator', ['car1']));
  await comeIn(page);
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
  const ears = await listener(server);
  const states: string[] = [];
  ears.client.on('message', (topic, payload) => {
    if (topic === 'rooms/car1/safety') states.push(JSON.parse(payload.toString()).state);
  });
  const connections = () =>
    server.entries.filter(
      ({ message, fields }) => message === 'MQTT client connected' && String(fields.client).startsWith('op-'),
    );
  const [first] = connections();
  const before = connections().length;
  // Longer than three tokens last.
  await expect.poll(() => connections().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + 3);
  expect(connections().every(({ fields }) => fields.client === first?.fields.client)).toBe(true);
  await live(page);
  expect(states.filter((state) => state === 'stopped' || state === 'estopped')).toEqual([]);
});

test('access that is ended ends the drive: the car stops, and the page says why', async () => {
  const server = await pages.guarded();
  await car(server);
  const ears = await listener(server);
  const { text, id } = await server.invite('operator', ['car1']);
  const page = await pages.open(`${server.webUrl}/join#${text}`);
  await comeIn(page);
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
  const left = ears.message(
    'nobody drives',
    (heard) => heard.topic === 'rooms/car1/lease' && JSON.parse(heard.text).holder === null,
    ears.heard.length,
  );
  addEnded(`${server.data}/access`, { id });
  await sentenceOf(page).getByText('Your access has ended').waitFor();
  await left;
});

test('a phone is the car that it was invited to be, and no other', async () => {
  const server = await pages.guarded();
  const page = await pages.open(await server.link('vehicle', ['phone1']));
  await sentenceOf(page).getByText('You are invited to be phone1').waitFor();
  await comeIn(page);
  await page.getByRole('button', { name: 'Start' }).click();
  await server.logged(
    ({ message, fields }) => message === 'MQTT client connected' && fields.client === 'phone1',
  );
  await page.goto(`${server.webUrl}/vehicle/car1`);
  await sentenceOf(page).getByText('This is not for you').waitFor();
});

test('a car that wants a pass of the fleet takes a page that has come in, and no program that has only a token', async () => {
  const server = await pages.guarded();
  const fleetKey = { file: join(testFolder(), 'car1.fleet') };
  const { password: token } = await server.login('car1', 'vehicle', ['car1']);
  await testVehicle(server.mqttUrl, { token, server: server.webUrl, fleetKey });
  const ears = await listener(server);
  const page = await pages.open(await server.link('operator', ['car1']));
  await comeIn(page);
  await live(page);
  const { text } = await ears.message('the answer', (said) => said.text.includes('"answer"'));
  expect(readPass(JSON.parse(text).pass, server.fleetKey ?? '')).toMatchObject({
    role: 'operator',
    rooms: ['car1'],
  });
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);

  const { clientId: self, username, password } = await server.login('op-1', 'operator', ['car1']);
  const credentials = fixedCredentials(username, password);
  const operator = testOperator(server.mqttUrl, 'car1', 'rooms', 'entered', { self, credentials });
  await operator.until('its end', ({ link }) => link.phase === 'ended' && link.reason === 'refused');
});

test('a phone that is the car wants a pass too', async () => {
  const server = await pages.guarded();
  const phone = await pages.open(await server.link('vehicle', ['phone1']), { permissions: ['camera'] });
  await comeIn(phone);
  await phone.getByRole('button', { name: 'Start' }).click();
  await phone.getByText('Waiting to be called').waitFor();
  const page = await pages.open(await server.link('operator', ['phone1']));
  await comeIn(page);
  await live(page);
  const { clientId: self, username, password } = await server.login('op-1', 'operator', ['phone1']);
  const credentials = fixedCredentials(username, password);
  const operator = testOperator(server.mqttUrl, 'phone1', 'rooms', 'entered', { self, credentials });
  await operator.until('its end', ({ link }) => link.phase === 'ended' && link.reason === 'refused');
});
