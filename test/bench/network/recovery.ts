/**
 * What a fault costs while somebody drives: the time until pictures and commands flow again, from the
 * fault, or from the path's return. Flowing is: none is missing for longer than a moment from then on.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FAULTS, type Fault, type Scene, startScene } from '../../network/faults.ts';
import { createLab } from '../../network/lab.ts';
import type { Row } from './main.ts';

const PROBE = new URL('./recovery-probe.js', import.meta.url);
/** A longer gap between two pictures, or two commands that come back, is an interruption, ms. */
const GAP_MS = 250;
/** So long without an interruption it is over, ms. */
const STEADY_MS = 3_000;
/** Against hanging only, ms. */
const PATIENCE_MS = 60_000;

interface Flow {
  /** When each was seen, ms since the epoch. */
  frames: number[];
  echoes: number[];
}

declare global {
  /** In the page. */
  var flow: Flow;
}

export async function recovery(args: string[]): Promise<{ title: string; rows: Row[] }> {
  const { values: flags } = parseArgs({
    args,
    options: { runs: { type: 'string', default: '10' }, fault: { type: 'string', default: '' } },
  });
  const runs = Number(flags.runs);
  const rows: Row[] = [];
  const wanted = FAULTS.filter(({ name }) => name.includes(flags.fault));
  for (const nat of new Set(wanted.map((fault) => fault.nat))) {
    const lab = await createLab();
    try {
      const probe = await readFile(PROBE, 'utf8');
      const scene = await startScene(lab, nat, probe);
      for (const fault of wanted) if (fault.nat === nat) rows.push(...(await strikes(scene, fault, runs)));
    } finally {
      await lab.close();
    }
  }
  return { title: `Until pictures and commands flow again, ${runs} runs of each fault`, rows };
}

async function strikes(scene: Scene, fault: Fault, runs: number): Promise<Row[]> {
  const pictures: number[] = [];
  const commands: number[] = [];
  for (let run = 1; run <= runs; run++) {
    // Whoever was interrupted has to let go of the throttle before it does anything again.
    await scene.console.page.keyboard.up('KeyW');
    await steady(scene);
    const at = await fault.strike(scene);
    const { frames, echoes } = await steady(scene, at);
    pictures.push(flowsAfter(frames, at));
    commands.push(flowsAfter(echoes, at));
    process.stderr.write(`${fault.name}, ${run} of ${runs}: ${pictures.at(-1)}, ${commands.at(-1)} ms\n`);
  }
  return [
    ...rowsOf(`${fault.name}: pictures`, pictures, fault),
    ...rowsOf(`${fault.name}: commands`, commands, fault),
  ];
}

/** Drives, and resolves with all that flowed when it has for a while, at least since `after`. */
async function steady({ console: { page } }: Scene, after = Date.now()): Promise<Flow> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    await page.keyboard.down('KeyW');
    await sleep(200);
    const now = Date.now();
    const flow = await page.evaluate(() => globalThis.flow);
    const since = Math.max(after, now - STEADY_MS);
    const flows = [flow.frames, flow.echoes].every((times) => longestGap(times, since, now) <= GAP_MS);
    if (now - after >= STEADY_MS && flows) return flow;
    // A new session wants its driver to ask again.
    if (longestGap(flow.echoes, now - 1_000, now) > GAP_MS) await page.keyboard.up('KeyW');
    if (now > until) throw new Error('nothing flows any more');
  }
}

function longestGap(times: number[], from: number, to: number): number {
  const inside = [from, ...times.filter((time) => time >= from && time <= to), to];
  return Math.max(...inside.slice(1).map((time, index) => time - (inside[index] ?? time)));
}

/** From `at` to the end of the last interruption, ms; 0 when there was none. */
function flowsAfter(times: number[], at: number): number {
  const ends = times.filter((time, index) => time > at && time - (times[index - 1] ?? time) > GAP_MS);
  return Math.max(0, (ends.at(-1) ?? at) - at);
}

function rowsOf(name: string, values: number[], { limitMs }: Fault): Row[] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  const figures: [string, number, number | null][] = [
    ['min', at(0.001), null],
    ['p50', at(0.5), null],
    ['p95', at(0.95), limitMs],
    ['max', at(1), null],
  ];
  return figures.map(([which, value, limit]) => ({ name: `${name}, ${which}`, value, unit: 'ms', limit }));
}
