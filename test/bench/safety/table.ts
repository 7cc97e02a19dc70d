/** The benchmark's figures as a table of Markdown, one row for each fault. */
import type { Outcome, SafetyFault } from '../../network/safety/faults.ts';
import { BRAKE_LIMIT_MS, RELEASE_LIMIT_MS } from '../../network/safety/figures.ts';

export interface Run extends Outcome {
  /** What was not as it is to be; empty where all was. */
  missed: string[];
}

const HEAD = [
  'fault',
  'runs',
  'fault to throttle off, ms: min / p50 / p95 / max',
  'fault to brake on, ms: min / p50 / p95 / max',
  `last fresh command to throttle off, max, ms (≤ ${RELEASE_LIMIT_MS})`,
  `to brake on, max, ms (≤ ${BRAKE_LIMIT_MS})`,
  'its sending to throttle off / brake on, max, ms',
  'counted',
  'verdict',
];

export function table(
  done: { fault: SafetyFault; runs: Run[] }[],
  { runs, kmh }: { runs: number; kmh: number },
): string {
  const rows = done.map(({ fault, runs }) => rowOf(fault, runs));
  const lines = [HEAD, HEAD.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return `\n${runs} runs of each fault, at ${kmh} km/h and more\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`;
}

function rowOf({ name, effect }: SafetyFault, runs: Run[]): string[] {
  // Where the drive is to go on, what interrupted it is among the misses.
  const stops = effect === 'none' ? [] : runs.flatMap(({ stop }) => (stop ? [stop] : []));
  const releases = stops.map(({ release }) => release);
  const brakes = stops.flatMap(({ brake }) => (brake ? [brake] : []));
  const of = (times: typeof releases, which: 'fromFault' | 'fromFresh' | 'fromSending') =>
    times.map((one) => one[which]);
  const missed = runs.filter((run) => run.missed.length > 0).length;
  return [
    name,
    String(runs.length),
    spread(of(releases, 'fromFault')),
    spread(of(brakes, 'fromFault')),
    most(of(releases, 'fromFresh')),
    most(of(brakes, 'fromFresh')),
    stops.length > 0 ? `${most(of(releases, 'fromSending'))} / ${most(of(brakes, 'fromSending'))}` : '',
    counted(effect, runs),
    missed === 0 ? 'kept in all' : `missed in ${missed}`,
  ];
}

function counted(effect: SafetyFault['effect'], runs: Run[]): string {
  const sums = new Map<string, number>();
  for (const { counts } of runs)
    for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
  const said = [...sums].map(([what, count]) => `${what} ${count}`);
  if (effect === 'none') {
    said.push(`interrupted ${runs.filter(({ hitches }) => hitches.length > 0).length} of ${runs.length}`);
    said.push(`foreign or old commands applied ${runs.reduce((sum, { applied = 0 }) => sum + applied, 0)}`);
  }
  return said.join(', ');
}

function spread(values: number[]): string {
  if (values.length === 0) return '';
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  return [0, 0.5, 0.95, 1].map((part) => at(part).toFixed(0)).join(' / ');
}

const most = (values: number[]): string => (values.length > 0 ? Math.max(...values).toFixed(0) : '');
