/** The timeline in a real browser: of a real session, as a file, and opened from it. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { testVehicle } from '../helpers/room.ts';
import { live, sentenceOf, usePages } from './browser.ts';

const pages = usePages();
/** Against hanging only, ms. */
const PATIENCE = { timeout: 15_000 };
const WIDE = { viewport: { width: 1440, height: 900 } };

const timeline = (page: Page) => page.getByRole('button', { name: 'Timeline' });
const rows = (page: Page) =>
  page.getByRole('list', { name: 'What happened, in order' }).getByRole('listitem');

/** Titles of all rows, as they are shown. */
const titles = (page: Page) => rows(page).locator('b').allTextContents();

/** Resolves when these titles are among the rows, in this order. */
async function inOrder(page: Page, wanted: string[]): Promise<void> {
  await expect
    .poll(async () => {
      const all = await titles(page);
      let from = 0;
      return wanted.filter((title) => {
        const at = all.indexOf(title, from);
        if (at >= 0) from = at + 1;
        return at >= 0;
      });
    }, PATIENCE)
    .toEqual(wanted);
}

const CONNECTED = [
  'Operator online',
  'Vehicle online',
  'Offer',
  'Session: connecting',
  'Answer',
  'ICE: connected',
  'DTLS: connected',
  'Session: connected',
];

test('a session from offer to connected; saved, and opened again without car and broker', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const page = await pages.open(`${server.webUrl}/rooms/car1`, WIDE);
  await live(page);
  await timeline(page).click();
  // A machine under load may have looked for another path meanwhile, which is said after it.
  await page.getByText(/^Connected after \d+(\.\d)? m?s[.,]/).waitFor();
  await inOrder(page, CONNECTED);
  // The button that stops the car is never under anything.
  await page.getByRole('button', { name: /^Stop the car/ }).click({ trial: true });

  const shown = await titles(page);
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as file' }).click();
  const download = await saving;
  expect(download.suggestedFilename()).toMatch(/^plntry-car1-\d{4}-\d\d-\d\d-\d{6}\.json$/);
  const path = await download.path();
  const text = readFileSync(path, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ format: 'plntry-timeline', version: 1, room: 'car1' });
  expect(text).not.toMatch(/ice-pwd:(?!\[removed\])|fingerprint:sha-256 (?!\[removed\])/);
  expect(text).not.toMatch(/127\.0\.0\.1 \d+ typ|\d+\.\d+\.\d+\.\d+ \d+ typ/);
  await page.keyboard.press('Escape');
  await rows(page).first().waitFor({ state: 'detached' });

  const other = await pages.open('about:blank');
  await other.route('**/api/**', (route) => route.abort());
  await other.goto(`${server.webUrl}/timeline`);
  await other.getByText('No timeline is open').waitFor();
  await other.getByLabel('Open a file').setInputFiles(path);
  await other.getByText(/^Connected after/).waitFor();
  await inOrder(other, CONNECTED);
  expect(await titles(other)).toEqual(expect.arrayContaining(shown));
  // A row opens by keyboard, and shows the message.
  const offer = rows(other).locator('summary', { hasText: 'Offer' }).filter({ hasText: 'seq 1' }).first();
  await offer.focus();
  await other.keyboard.press('Enter');
  await other.getByText('a=ice-pwd:[removed]').first().waitFor();
});

test('a session that fails shows where it ended, also back in the fleet', async () => {
  const server = await pages.server();
  const fake = await connectMqtt(server.mqttUrl);
  const epoch = Date.now();
  const session = `${epoch.toString(36).padStart(9, '0')}-0001`;
  const say = (topic: string, body: object, retain = false) =>
    fake.publishAsync(topic, JSON.stringify({ v: 1, ts: Date.now(), ...body }), { qos: 1, retain });
  await fake.subscribeAsync('rooms/fake/peers/+', { qos: 1 });
  const page = await pages.open(`${server.webUrl}/rooms/fake`, WIDE);
  await sentenceOf(page).getByText('fake isn’t here').waitFor();
  fake.on('message', (topic) => {
    const operator = topic.split('/').at(-1);
    // As far as the protocol is concerned it is one; a browser can't use it.
    const sdp = 'v=0\r\nm=nothing\r\na=ice-ufrag:x\r\na=fingerprint:sha-256 00\r\n';
    void say(`rooms/fake/sdp/fake/${operator}`, { session, seq: 1, type: 'offer', sdp });
  });
  await say('rooms/fake/peers/fake', { state: 'online', role: 'vehicle', epoch, since: epoch }, true);
  await timeline(page).click();
  await page.getByText(/^Not connected; given up after .*: /).waitFor();
  await inOrder(page, ['Operator online', 'Vehicle online', 'Offer', 'Session: connecting', 'Bye: failed']);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: 'Back to the fleet' }).click();
  await page.evaluate(() => {
    history.pushState(null, '', '/timeline');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await page.getByText(/^Not connected; given up after .*: /).waitFor();
});

test('a file that is none is refused in one sentence, and one can be dropped onto the page', async () => {
  const server = await pages.server();
  const page = await pages.open(`${server.webUrl}/timeline`);
  const drop = (name: string, text: string) =>
    page.evaluate(
      ([name = '', text = '']) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text], name, { type: 'application/json' }));
        dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      },
      [name, text],
    );
  await page.getByText('No timeline is open').waitFor();
  await drop('holiday.jpg', 'ÿØÿà');
  await page.getByRole('alert').getByText('holiday.jpg: This file is no timeline: it is not JSON.').waitFor();
  const recording = {
    format: 'plntry-timeline',
    version: 1,
    savedAt: 2,
    room: 'car7',
    operator: 'op-7',
    session: null,
    startedAt: 1,
    entries: [{ type: 'state', at: 1, of: 'broker', state: 'connected' }],
    leftOut: 0,
    reports: { here: null, there: null },
    clock: null,
  };
  await drop('car7.json', JSON.stringify(recording));
  await page.getByText('No session: the vehicle has offered none.').waitFor();
  expect(await titles(page)).toEqual(['Connection to the broker: connected']);
  expect(await page.getByRole('alert').textContent()).toBe('');
});
