/** The built pages on a real server, in a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { CHROMIUM } from '../helpers/chromium.ts';
import { testServer } from '../helpers/room.ts';

export { live, picturesChange, sentenceOf, untilNumber } from './page.ts';

const ROOT = new URL('../../web', import.meta.url).pathname;

/** Builds the pages and starts a browser for the tests of a file. Returns what opens a page of a server. */
export function usePages() {
  let pages: string;
  let browser: Browser;

  beforeAll(async () => {
    pages = await mkdtemp(join(tmpdir(), 'plntry-pages-'));
    await build({ root: ROOT, logLevel: 'error', build: { outDir: pages } });
    browser = await chromium.launch(CHROMIUM);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(pages, { recursive: true, force: true });
  });

  return {
    server: (options: Parameters<typeof testServer>[0] = {}) => testServer({ ...options, pages }),
    /** A page of its own browser context; a script error on it fails the test. */
    async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      onTestFinished(async () => {
        await context.close();
        if (errors[0]) throw errors[0];
      });
      await page.goto(url);
      return page;
    },
  };
}
