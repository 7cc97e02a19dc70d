/** What is made of a run of the video benchmark; pure. Times in ms since the epoch. */
import type { Frame } from '../probe.ts';
import type { Row } from './main.ts';

export interface Watched {
  frames: Frame[];
  /** What the line carried, a tenth of a second each. */
  line: { at: number; fillMs: number; bytes: number }[];
  /** Longest time that the queue was full. */
  longestFullMs: number;
  /** When the path got narrow, wide again, lossy, and when it was over. */
  narrowAt: number;
  wideAt: number;
  lossyAt: number;
  endAt: number;
}

const NARROW_KBPS = 800;
/** Rates are judged over this time, ms. */
const RATE_MS = 2_000;
/** A change of the line takes so long to be one, ms. */
const CHANGE_MS = 300;

export function figures({ frames, line, longestFullMs, narrowAt, wideAt, lossyAt, endAt }: Watched): Row[] {
  const between = <T extends { at: number }>(all: T[], from: number, to: number) =>
    all.filter(({ at }) => at > from && at <= to);
  const kbps = (from: number, to: number) =>
    (between(line, from, to).reduce((sum, { bytes }) => sum + bytes, 0) * 8) / (to - from);
  const ages = (from: number, to: number) =>
    between(frames, from, to)
      .flatMap(({ at, captured }) => (captured === null ? [] : at - captured))
      .sort((a, b) => a - b);
  const age = (q: number, from: number, to: number) => quantile(ages(from, to), q);

  const former = kbps(narrowAt - 5_000, narrowAt);
  const row = (name: string, value: number, unit: string, limit: number | null = null): Row => ({
    name,
    value,
    unit,
    limit,
  });
  const atLeast = (name: string, value: number, unit: string, least: number): Row => ({
    ...row(name, value, unit),
    least,
  });
  return [
    row('rate before', former, 'kbit/s'),
    row('glass to glass before, p50', age(0.5, narrowAt - 5_000, narrowAt), 'ms'),
    row('longest without a picture after the cut', longestGap(frames, narrowAt, wideAt), 'ms', 300),
    row('oldest picture from 2 s after the cut', age(1, narrowAt + 2_000, wideAt), 'ms', 250),
    row('glass to glass while narrow, p50', age(0.5, narrowAt + 2_000, wideAt), 'ms'),
    row(
      'pictures a second while narrow',
      (between(frames, narrowAt + 2_000, wideAt).length * 1_000) / (wideAt - narrowAt - 2_000),
      '',
    ),
    atLeast('in use from 10 s after the cut', (kbps(narrowAt + 10_000, wideAt) * 100) / NARROW_KBPS, '%', 75),
    row(
      'fullest queue after the cut',
      Math.max(...between(line, narrowAt, wideAt).map(({ fillMs }) => fillMs)),
      'ms',
    ),
    row('queue full without a pause', longestFullMs, 'ms', 1_000),
    row('until 90 % of the former rate', untilRate(line, wideAt, lossyAt, 0.9 * former), 'ms', 15_000),
    row('longest without a picture at 5 % loss', longestGap(frames, lossyAt + CHANGE_MS, endAt), 'ms', 200),
    row('glass to glass at 5 % loss, p50', age(0.5, lossyAt, endAt), 'ms'),
    row('glass to glass at 5 % loss, p99', age(0.99, lossyAt, endAt), 'ms'),
  ];
}

function longestGap(frames: Frame[], from: number, to: number): number {
  const times = [from, ...frames.map(({ at }) => at).filter((at) => at > from && at < to), to];
  return Math.max(...times.slice(1).map((at, n) => at - (times[n] as number)));
}

/** How long until the rate is reached, over {@link RATE_MS}; infinite if never. */
function untilRate(line: Watched['line'], from: number, to: number, wanted: number): number {
  for (const { at } of line) {
    if (at < from + RATE_MS || at > to) continue;
    const some = line.filter((sample) => sample.at > at - RATE_MS && sample.at <= at);
    if ((some.reduce((sum, { bytes }) => sum + bytes, 0) * 8) / RATE_MS >= wanted) return at - from;
  }
  return Number.POSITIVE_INFINITY;
}

const quantile = (sorted: number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
