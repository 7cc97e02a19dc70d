/**
 * From the click to the open data channel and to the first decoded frame, beside PeerJS and Trystero:
 * operator, signalling server and car are as far from each other as the round trip says.
 *
 * Cold: the page's code is loaded, and no connection is open. Warm: the signalling connection is open,
 * and, where a system makes something of it, the pointer has come to the car and rests on it. The
 * systems take turns, so that what the machine does besides hits all of them.
 */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { createLab } from '../../network/lab.ts';
import type { Row } from './main.ts';
import { type Kind, type System, startSystems } from './setup-systems.ts';

const PROBE = new URL('./setup-probe.js', import.meta.url);
/** Against hanging only, ms. */
const PATIENCE_MS = 20_000;
/** How much the agent may take longer than a browser as the car, ms. */
const AGENT_BEHIND_MS = 50;

const WORDS = { channel: 'open channel', frame: 'first frame' };

interface Seen {
  clickAt: number | null;
  channelAt: number | null;
  firstFrameAt: number | null;
}

interface Figures {
  channel: number[];
  frame: number[];
  /** Tries that came to nothing within {@link PATIENCE_MS}. */
  failed: number;
}

export async function setup(args: string[]): Promise<{ title: string; rows: Row[] }> {
  const { values: flags } = parseArgs({
    args,
    options: {
      tries: { type: 'string', default: '8' },
      'round-trips': { type: 'string', default: '50,150' },
    },
  });
  const tries = Number(flags.tries);
  const roundTrips = flags['round-trips'].split(',').map(Number);
  const rows: Row[] = [];
  for (const ms of roundTrips) rows.push(...(await atRoundTrip(ms, tries)));
  return { title: `From the click, p50 of ${tries}`, rows };
}

async function atRoundTrip(roundTripMs: number, tries: number): Promise<Row[]> {
  const probe = await readFile(PROBE, 'utf8');
  const lab = await createLab();
  try {
    // There and back over two lines.
    const { browser, systems, close } = await startSystems(lab, roundTripMs / 4);
    const kinds: Kind[] = ['cold', 'warm'];
    const all = kinds.flatMap((kind) =>
      systems.map((system) => ({ kind, system, figures: { channel: [], frame: [], failed: 0 } as Figures })),
    );
    // The first of each warms up what the second finds warm.
    for (let i = -1; i < tries; i++) {
      for (const { kind, system, figures } of all) {
        const took = await once(browser, system, kind, probe);
        const words = took ? `${took.channel.toFixed(0)}, ${took.frame.toFixed(0)}` : 'did not connect';
        process.stderr.write(`${roundTripMs} ms, ${kind}, ${system.name}: ${words}\n`);
        if (i < 0) continue;
        if (!took) figures.failed++;
        else {
          figures.channel.push(took.channel);
          figures.frame.push(took.frame);
        }
      }
    }
    await close();
    return kinds
      .flatMap((kind) => {
        const measured = all.filter((one) => one.kind === kind);
        return (['channel', 'frame'] as const).flatMap((what) =>
          rowsOf(`${roundTripMs} ms, ${kind}`, measured, what),
        );
      })
      .concat(failuresOf(`${roundTripMs} ms`, all));
  } finally {
    await lab.close();
  }
}

/** One click in a new browser profile. What was open before the click took no time. Null when nothing came of it. */
async function once(browser: Browser, system: System, kind: Kind, probe: string) {
  const context = await browser.newContext();
  try {
    await context.addInitScript(probe);
    const page = await system.open(context, kind);
    await system.click(page, kind);
    const isThere = () => {
      const { channelAt, firstFrameAt } = (globalThis as unknown as { seen: Seen }).seen;
      return channelAt !== null && firstFrameAt !== null;
    };
    const waited = page.waitForFunction(isThere, undefined, { timeout: PATIENCE_MS, polling: 50 });
    const connected = await waited.then(
      () => true,
      () => false,
    );
    if (!connected) return null;
    const look = () => (globalThis as unknown as { seen: Seen }).seen;
    const { clickAt, channelAt, firstFrameAt } = await page.evaluate(look);
    const since = (at: number | null) => Math.max(0, (at ?? Number.NaN) - (clickAt ?? Number.NaN));
    return { channel: since(channelAt), frame: since(firstFrameAt) };
  } finally {
    await context.close();
  }
}

/** Faster than the first of the rivals; and our agent not far behind a browser as the car. */
function rowsOf(
  name: string,
  measured: { system: System; figures: Figures }[],
  what: keyof typeof WORDS,
): Row[] {
  const of = (role: System['role']) =>
    median(measured.find(({ system }) => system.role === role)?.figures[what] ?? []);
  const limits = { beat: null, rival: null, browser: of('beat'), agent: of('browser') + AGENT_BEHIND_MS };
  return measured.map(({ system, figures }) => ({
    name: `${name}, ${WORDS[what]}, ${system.name}`,
    value: median(figures[what]),
    unit: 'ms',
    limit: limits[system.role],
  }));
}

/** Named only where there are some; none of ours may be. */
function failuresOf(name: string, all: { kind: Kind; system: System; figures: Figures }[]): Row[] {
  return all
    .filter(({ figures }) => figures.failed > 0)
    .map(({ kind, system, figures }) => ({
      name: `${name}, ${kind}, did not connect, ${system.name}`,
      value: figures.failed,
      unit: figures.failed === 1 ? 'try' : 'tries',
      limit: system.role === 'browser' || system.role === 'agent' ? 0 : null,
    }));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
