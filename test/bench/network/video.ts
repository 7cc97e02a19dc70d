/**
 * Video over a path that gets narrow, wide again, and lossy, beside libwebrtc on the same path: 50 ms round
 * trip, a drop-tail queue of 500 ms. Everything is measured outside of the sender: on the page, from the
 * pictures that it shows and the time that is written into them, and in the line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLab, type Host } from '../../network/lab.ts';
import type { Row } from './main.ts';
import { figures, type Watched } from './video-figures.ts';
import { SYSTEMS, type System } from './video-systems.ts';

const WIDE_KBPS = 4_000;
const NARROW_KBPS = 800;
/** One way, ms: half of the round trip. */
const DELAY_MS = 25;
const QUEUE_MS = 500;
const LOSS_PCT = 5;
/** How long each path lasts, ms. */
const SETTLE_MS = 20_000;
const NARROW_MS = 15_000;
const WIDE_MS = 20_000;

export async function video(args: string[]): Promise<{ title: string; rows: Row[] }> {
  const { values: flags } = parseArgs({
    args,
    options: { system: { type: 'string', default: '' }, 'lossy-seconds': { type: 'string', default: '60' } },
  });
  const rows: Row[] = [];
  for (const [name, start] of Object.entries(SYSTEMS)) {
    if (!name.includes(flags.system)) continue;
    const lab = await createLab();
    try {
      const link = { delayMs: DELAY_MS, kbps: WIDE_KBPS, queueMs: QUEUE_MS };
      const car = await lab.host('car', { nat: 'none', link });
      const operator = await lab.host('operator', { nat: 'none' });
      const system = await start({ lab, car, operator, ceiling: WIDE_KBPS });
      const watched = await watch(system, car, Number(flags['lossy-seconds']) * 1_000);
      await system.close();
      for (const { name: figure, limit, least, ...row } of figures(watched)) {
        // The other's figures are there to compare.
        const reach =
          system.name === 'plntry' ? { limit, ...(least === undefined ? {} : { least }) } : { limit: null };
        rows.push({ name: `${system.name}: ${figure}`, ...row, ...reach });
      }
    } finally {
      await lab.close();
    }
  }
  return {
    title: `Video, ${WIDE_KBPS} kbit/s, then ${NARROW_KBPS}, then ${WIDE_KBPS} again, then ${LOSS_PCT} % loss`,
    rows,
  };
}

async function watch({ name, page }: System, car: Host, lossyMs: number): Promise<Watched> {
  await page.evaluate(() => {
    globalThis.seen.reading = true;
  });
  const last = async (text: string, ms: number) => {
    process.stderr.write(`${name}: ${text} for ${ms / 1_000} s\n`);
    await sleep(ms);
    return Date.now();
  };
  await last('wide', SETTLE_MS);
  await car.link.set({ kbps: NARROW_KBPS });
  const narrowAt = Date.now();
  await last('narrow', NARROW_MS);
  await car.link.set({ kbps: WIDE_KBPS });
  const wideAt = Date.now();
  await last('wide', WIDE_MS);
  const { up } = await car.link.stats({ reset: true });
  await car.link.set({ lossPct: LOSS_PCT });
  const lossyAt = Date.now();
  const endAt = await last('lossy', lossyMs);
  const { frames } = await page.evaluate(() => globalThis.seen);
  // Samples are on CLOCK_MONOTONIC, as is hrtime.
  const boot = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  const line = up.samples.map(([at, fillMs, bytes]) => ({ at: at + boot, fillMs, bytes }));
  return { frames, line, longestFullMs: up.longestFullMs, narrowAt, wideAt, lossyAt, endAt };
}
