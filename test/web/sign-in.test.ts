/** Signing in as people see it: a real provider on another site, a real car, pages in Chromium. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openIdProvider, signInWith } from '../helpers/openid-provider.ts';
import { testVehicle } from '../helpers/room.ts';
import { driveUntil, live, sentenceOf, usePages } from './browser.ts';

const pages = usePages();

const ACCOUNTS = {
  ann: { name: 'Ann Lee', groups: ['drivers'] },
  cay: { name: 'Cay', groups: ['staff'] },
};

async function fleet() {
  const { issuer } = await openIdProvider({ accounts: ACCOUNTS, host: 'localhost' });
  const server = await pages.guarded(undefined, { signIn: signInWith(issuer, 'drivers=operator:car*') });
  await server.logged(({ message }) => message === 'sign-in is ready');
  const { password: token } = await server.login('car1', 'vehicle', ['car1']);
  await testVehicle(server.mqttUrl, { token });
  return server;
}

async function sayWho(page: Page, account: string): Promise<void> {
  await page.getByLabel('Who are you?').fill(account);
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('from the console to the provider, back, and the car is driven; until one signs out', async () => {
  const { webUrl } = await fleet();
  const page = await pages.open(`${webUrl}/rooms/car1?panel=map`);
  await sentenceOf(page).getByText('Sign in to drive').waitFor();
  await page.getByRole('link', { name: 'Sign in with Test ID' }).click();
  await sayWho(page, 'ann');
  await page.waitForURL(`${webUrl}/rooms/car1?panel=map`);
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
  await page.keyboard.up('KeyW');

  await page.goto(webUrl);
  await page.getByText('Ann Lee: you may drive every vehicle called car…').waitFor();
  expect(await page.evaluate(() => document.cookie)).toBe('');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await sentenceOf(page).getByText('Sign in to drive').waitFor();
});

test('who has no role here is told so, and can come back as somebody who has', async () => {
  const { webUrl } = await fleet();
  const page = await pages.open(`${webUrl}/sign-in?to=/rooms/car1`);
  await sayWho(page, 'cay');
  await sentenceOf(page).getByText('You have no role here').waitFor();
  await page.getByText('You have signed in as Cay, but nothing here is yours').waitFor();
  // Its policy lets its own style through.
  expect(await page.locator('h1').evaluate((title) => getComputedStyle(title).fontSize)).toBe('26px');
  await page.getByRole('link', { name: 'Sign in as somebody else' }).click();
  await sayWho(page, 'ann');
  await page.waitForURL(`${webUrl}/rooms/car1`);
  await live(page);
});

test('who cancels there is told so here, and can begin anew', async () => {
  const { webUrl } = await fleet();
  const page = await pages.open(`${webUrl}/sign-in?to=/rooms/car1`);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Test ID did not sign you in').waitFor();
  await page.getByRole('link', { name: 'Sign in again' }).waitFor();
  await page.getByRole('link', { name: 'To the fleet' }).click();
  await sentenceOf(page).getByText('Sign in to drive').waitFor();
});
