/**
 * `npm run bench:soak`: drives the product in Chromium for an hour, with a page that is reloaded now and then, and
 * looks at the vehicle process's memory. It is to be flat after 5 minutes: the greatest of the last half may be so
 * much above the greatest from then to the middle. Prints a table; exits with 1 where it is not flat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../../helpers/chromium.ts';
import { driveUntil, live } from '../../web/page.ts';
import { startProduct, usage } from '../product.ts';

const { values: flags } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const MINUTES = Number(flags.minutes);
/** Caches and V8's heap find their size in this time, minutes. */
const SETTLING = 5;
const SAMPLE_MS = 10_000;
/** One goes and comes again every so often, minutes: sessions must leave nothing. */
const RELOAD = 10;
const MOST_GROWTH = 1.05;
const KMH = 10;

interface Sample {
  minute: number;
  rssMiB: number;
  cpuPct: number;
}

const product = await startProduct();
const browser = await chromium.launch(CHROMIUM);
const samples: Sample[] = [];
try {
  const page = await browser.newPage();
  await drive(page);
  const begin = performance.now();
  const minute = () => (performance.now() - begin) / 60_000;
  let reloads = 0;
  let before = { ...(await usage(product.vehiclePid)), at: performance.now() };
  while (minute() < MINUTES) {
    await sleep(SAMPLE_MS);
    const now = { ...(await usage(product.vehiclePid)), at: performance.now() };
    const cpuPct = ((now.cpuSeconds - before.cpuSeconds) / ((now.at - before.at) / 1_000)) * 100;
    samples.push({ minute: minute(), rssMiB: now.rssMiB, cpuPct });
    before = now;
    if (minute() < (reloads + 1) * RELOAD) continue;
    reloads++;
    await page.reload();
    await drive(page);
  }
} finally {
  await browser.close();
  await product.close();
}
print();

async function drive(page: Page): Promise<void> {
  if (page.url() === 'about:blank') await page.goto(`${product.url}/rooms/car1`);
  await live(page);
  await driveUntil(page, KMH);
}

function print(): void {
  const most = (from: number, to: number) =>
    Math.max(...samples.filter(({ minute }) => minute >= from && minute < to).map(({ rssMiB }) => rssMiB));
  const rows: string[] = [];
  for (let from = 0; from < MINUTES; from += SETTLING) {
    const part = samples.filter(({ minute }) => minute >= from && minute < from + SETTLING);
    const cpu = part.reduce((sum, { cpuPct }) => sum + cpuPct, 0) / part.length;
    rows.push(
      `| ${from}–${from + SETTLING} | ${most(from, from + SETTLING).toFixed(0)} | ${cpu.toFixed(0)} |`,
    );
  }
  console.log('| minutes | memory at most, MiB | processor, % of a core |\n| --- | ---: | ---: |');
  console.log(rows.join('\n'));
  const growth = most(MINUTES / 2, MINUTES + 1) / most(Math.min(SETTLING, MINUTES / 4), MINUTES / 2);
  console.log(
    `\nsecond half against the first, after ${SETTLING} minutes: ${growth.toFixed(3)}, to reach at most ${MOST_GROWTH}`,
  );
  if (!(growth <= MOST_GROWTH)) process.exitCode = 1;
}
