/** ICE servers that were renewed while a session lasts, in two real browser peers and a real coturn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import { coturn } from '../../broker/ice/coturn.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { CHROMIUM } from '../helpers/chromium.ts';
import { startTurnServer } from '../helpers/turn-server.ts';

type PeerModule = typeof import('../../web/peer.ts');

const WEB = new URL('../../web', import.meta.url).pathname;

/** A page that has one of web's modules, as it is written, as `window.module`. */
async function modulePage(module: string) {
  const cacheDir = await mkdtemp(join(tmpdir(), 'plntry-vite-'));
  const vite = await createServer({
    root: WEB,
    cacheDir,
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await vite.listen();
  const browser = await chromium.launch(CHROMIUM);
  onTestFinished(async () => {
    await browser.close();
    await vite.close();
    await rm(cacheDir, { recursive: true, force: true });
  });
  const page = await browser.newPage();
  const body = `<script type="module">window.module = await import('${module}')</script>`;
  await page.route('**/empty', (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(new URL('empty', vite.resolvedUrls?.local[0]).href);
  await page.waitForFunction('window.module');
  return page;
}

test('each connection uses the credentials that there are by then, at both ends', async () => {
  const turn = await startTurnServer();
  const never = new AbortController().signal;
  const credentials = async (secret: string, peer: string): Promise<IceServer[]> =>
    (await coturn({ urls: [turn.udp], secret, ttl: 600, now: Date.now }).iceServers(peer, never)).iceServers;
  // As good as expired: coturn has another secret by now.
  const old = {
    offerer: await credentials('old-secret', 'phone1'),
    answerer: await credentials('old-secret', 'op-1'),
  };
  const renewed = {
    offerer: await credentials(turn.secret, 'phone1'),
    answerer: await credentials(turn.secret, 'op-1'),
  };
  const page = await modulePage('/peer.ts');

  const allocated = Promise.all(
    ['op-1', 'phone1'].map((peer) =>
      turn.prints(new RegExp(`user <\\d+:${peer}>.*ALLOCATE processed, success`)),
    ),
  );
  const relays = await page.evaluate(
    async ({ old, renewed }) => {
      const { createBrowserPeer } = (window as unknown as { module: PeerModule }).module;
      let now = old;
      const relays: string[] = [];
      type End = 'offerer' | 'answerer';
      const ends: [End, End][] = [
        ['offerer', 'answerer'],
        ['answerer', 'offerer'],
      ];
      async function connect(): Promise<void> {
        const peers = {} as Record<End, ReturnType<ReturnType<typeof createBrowserPeer>>>;
        const open = Promise.withResolvers<void>();
        // As soon as a path works browsers ask no more servers.
        const held: (() => void)[] = [];
        const gathered = { offerer: Promise.withResolvers<void>(), answerer: Promise.withResolvers<void>() };
        for (const [self, other] of ends) {
          const create = createBrowserPeer({
            iceServers: () => now[self] as RTCIceServer[],
            attach: () => () => {},
          });
          peers[self] = create({
            candidate(candidate) {
              if (candidate === null) return gathered[self].resolve();
              if (candidate.candidate.includes(' typ relay ')) relays.push(self);
              held.push(() => void peers[other].addCandidate(candidate));
            },
            open: () => open.resolve(),
            failed: (detail) => open.reject(new Error(detail)),
            message: () => {},
          });
        }
        const answer = await peers.answerer.acceptOffer(await peers.offerer.createOffer());
        await peers.offerer.acceptAnswer(answer);
        await Promise.all([gathered.offerer.promise, gathered.answerer.promise]);
        for (const tell of held) tell();
        await open.promise;
      }
      await connect();
      const first = relays.splice(0).sort();
      now = renewed;
      await connect();
      return { first, afterwards: relays.sort() };
    },
    { old, renewed },
  );

  expect(relays).toEqual({ first: [], afterwards: ['answerer', 'offerer'] });
  await allocated;
});
