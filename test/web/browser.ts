/** The built pages on a real server, in a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { CHROMIUM } from '../helpers/chromium.ts';
import { testServer } from '../helpers/room.ts';

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

/** Resolves when the picture is live. */
export async function live(page: Page): Promise<void> {
  await page.locator('video[data-live="true"]').waitFor();
}

/** What stands on the console over a picture that isn't live. */
export const sentenceOf = (page: Page) => page.getByRole('heading', { level: 1 });

/** Resolves when a later picture differs from the one that is shown now. */
export async function picturesChange(page: Page): Promise<void> {
  await page.locator('video').evaluate(async (video: HTMLVideoElement) => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    const next = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const pixels = () => {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      context.drawImage(video, 0, 0);
      return context.getImageData(0, 0, canvas.width, canvas.height).data;
    };
    const first = pixels();
    for (;;) {
      await next();
      const now = pixels();
      if (now.some((value, index) => Math.abs(value - (first[index] ?? 0)) > 32)) return;
    }
  });
}

/** Resolves when the number that the element shows makes the condition true. */
export async function untilNumber(
  page: Page,
  label: string,
  condition: (value: number) => boolean,
): Promise<number> {
  const shown = page.getByLabel(label, { exact: true });
  for (;;) {
    const value = Number.parseFloat((await shown.textContent()) ?? '');
    if (condition(value)) return value;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}
