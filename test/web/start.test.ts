/** `plntry start`, as a newcomer runs it: the address that it prints is opened, and the car is driven. */
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';
import { driveUntil, live, usePages } from './browser.ts';

const pages = usePages();
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === 'IPv6'),
);

async function started(...args: string[]): Promise<string> {
  const cli = spawnCli(['start', '--port', '0', '--mqtt-port', '0', '--data', testFolder(), ...args]);
  const [, url = ''] = await cli.printed(/Open +(http\S+)/);
  return url;
}

async function drive(room: string): Promise<void> {
  const page = await pages.open(room);
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
}

test('on this machine, from the fleet', async () => {
  const page = await pages.open(await started());
  await page.getByRole('link', { name: /\bcar1\b/ }).click();
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
});

test('where a token is needed, by the invitation', async () => {
  const page = await pages.open(await started('--access'));
  await page.getByRole('button', { name: 'Come in' }).click();
  await live(page);
  await page.getByRole('button', { name: 'Drive', exact: true }).click();
  await driveUntil(page, 5);
});

test.skipIf(!hasIpv6)('at an IPv6 address', async () => {
  const url = await started('--host', '::1');
  expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  await drive(`${url}/rooms/car1`);
});
