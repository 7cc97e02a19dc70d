/** Takes the README's picture of the console from a real run: `npm run docs:screenshot`. */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startProduct } from './bench/product.ts';
import { CHROMIUM } from './helpers/chromium.ts';

const FILE = fileURLToPath(new URL('../docs/console.png', import.meta.url));
/** km/h; fast enough that the picture shows some of the track behind the car. */
const SPEED = 30;

const product = await startProduct();
const browser = await chromium.launch(CHROMIUM);
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
await page.goto(product.url);
await page.getByRole('link', { name: /car1/ }).first().click();
await page.locator('video[data-live=true]').waitFor();
await page.keyboard.down('w');
const speed = page.getByLabel('Speed', { exact: true });
while (!(Number(await speed.textContent()) >= SPEED)) await page.waitForTimeout(50);
await page.keyboard.down('d');
await page.waitForTimeout(250);
await page.screenshot({ path: FILE });
await browser.close();
await product.close();
