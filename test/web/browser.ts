/** The built pages on a real server, in a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { IceServer } from '../../shared/server-api.ts';
import { guardedServer } from '../helpers/access.ts';
import { CHROMIUM } from '../helpers/chromium.ts';
import { testServer } from '../helpers/room.ts';

export { driveUntil, live, picturesChange, sentenceOf, untilNumber } from './page.ts';

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
    guarded: (pageTokenS?: number, options: Parameters<typeof guardedServer>[0] = {}) =>
      guardedServer({ ...options, pages }, pageTokenS),
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

/** Its pages are told of these ICE servers, whatever the server has. */
export const offering = (page: Page, iceServers: IceServer[]) =>
  page.route('**/api/ice*', (route) => route.fulfill({ json: { iceServers, ttl: 600 } }));

/** As behind a firewall that lets nothing through but relays. */
export const relayOnly = (page: Page) =>
  page.addInitScript(() => {
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super({ ...configuration, iceTransportPolicy: 'relay' });
      }

      // What it leaves out goes back to its default: this page sets its servers when they have come.
      override setConfiguration(configuration?: RTCConfiguration): void {
        super.setConfiguration({ ...configuration, iceTransportPolicy: 'relay' });
      }
    };
  });

/** As if all that comes from the other end were lost: what it sends is taken for somebody else's. */
export const pathless = (page: Page) =>
  page.addInitScript(() => {
    window.RTCPeerConnection = class extends RTCPeerConnection {
      override setRemoteDescription({ type, sdp = '' }: RTCSessionDescriptionInit): Promise<void> {
        const other = sdp.replace(/a=ice-pwd:.*/g, `a=ice-pwd:${'0'.repeat(22)}`);
        return super.setRemoteDescription({ type, sdp: other });
      }
    };
  });
