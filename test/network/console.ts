/** The console in a host's browser. */
import type { Browser, Page } from 'playwright-core';
import { driveUntil, live, picturesChange } from '../web/page.ts';
import type { Server } from './product.ts';

/** Against hanging only, ms. */
const PATIENCE_MS = 80_000;
/** So often a page that has not come is opened again, each after so long, ms. */
const TRIES = 3;
const TRY_MS = 15_000;

export interface Console {
  page: Page;
  /** Resolves when the picture is live and changes. */
  live(): Promise<void>;
  /** Holds the key until the vehicle is faster than this, km/h; then lets go. */
  drive(kmh?: number): Promise<void>;
  /** The path as the page has it in words. */
  pathHere(): Promise<string>;
  /** The session's id. */
  session(): Promise<string>;
  /** What the page says of the path, once the session has come to this. */
  verdict(state: 'connected' | 'failed'): Promise<ShownVerdict>;
  /** The pair in use, from the browser's own statistics. */
  pair(): Promise<Pair | null>;
  close(): Promise<void>;
}

/** As https://www.w3.org/TR/webrtc-stats/ has them. */
export interface Pair {
  local: { candidateType: string; protocol: string; relayProtocol?: string };
  remote: { candidateType: string; protocol: string };
}

/** As shared/verdict.ts has it. */
export interface ShownVerdict {
  code: string | null;
  end: string | null;
  text: string;
}

/** What a browser needs to treat a plain http: page as it treats https:. */
export const trust = (server: Server): string[] => [
  `--unsafely-treat-insecure-origin-as-secure=${server.url}`,
  '--ignore-certificate-errors',
];

/**
 * Opens a room's console in a browser that was started with `trust`.
 * @param script runs in the page before its own
 */
export async function openConsole(
  browser: Browser,
  server: Server,
  room = 'car1',
  script = '',
): Promise<Console> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(keepConnections);
  if (script) await page.addInitScript(script);
  await visit(page, `${server.url}/rooms/${room}`);
  return {
    page,
    async live() {
      await live(page);
      await picturesChange(page);
    },
    async drive(kmh = 5) {
      await driveUntil(page, kmh);
      await page.keyboard.up('KeyW');
    },
    pathHere: () => fact(page, 'Path here', /·/),
    session: () => fact(page, 'Session', /-/),
    async verdict(state) {
      const shown = page.locator(`[data-verdict-state="${state}"]`).first();
      await shown.waitFor();
      const [code, end, text] = await Promise.all([
        shown.getAttribute('data-verdict'),
        shown.getAttribute('data-verdict-end'),
        shown.textContent(),
      ]);
      return { code, end, text: text ?? '' };
    },
    pair: () => page.evaluate(pairInUse),
    close: () => context.close(),
  };
}

/** What the details say under a name, once it looks as it should. */
async function fact(page: Page, name: string, known: RegExp): Promise<string> {
  const details = page.getByRole('button', { name: 'Details' });
  if (await details.isVisible()) await details.click();
  const shown = page.locator('dl.facts div', { hasText: new RegExp(`^${name}`) }).locator('dd');
  await shown.getByText(known).waitFor();
  return (await shown.textContent()) ?? '';
}

/** Chromium gives up what it is loading, a page or its script, when it hears, up to 2 s late, of its host's new address. */
async function visit(page: Page, url: string): Promise<void> {
  for (let left = TRIES; ; left--) {
    try {
      await page.goto(url);
      return await page.locator('#app > *').first().waitFor({ timeout: TRY_MS });
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

type Keeping = { connections: RTCPeerConnection[] };

/** On a page and in its frames, before their own scripts: keeps hold of the connections that they make. */
function keepConnections() {
  const page = window.top as unknown as Partial<Keeping>;
  page.connections ??= [];
  const { connections } = page;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args: ConstructorParameters<typeof RTCPeerConnection>) {
      super(...args);
      connections.push(this);
    }
  };
}

/** On a page: the pair of the connection that it made last and that works. */
async function pairInUse(): Promise<Pair | null> {
  const { connections } = window as unknown as Keeping;
  const connection = connections.filter(({ connectionState }) => connectionState === 'connected').at(-1);
  if (!connection) return null;
  const stats = new Map((await connection.getStats()) as unknown as Map<string, Record<string, string>>);
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId ?? '');
  const local = stats.get(pair?.localCandidateId ?? '');
  const remote = stats.get(pair?.remoteCandidateId ?? '');
  return local && remote ? ({ local, remote } as unknown as Pair) : null;
}
