/** The tables of attacks in Markdown: on the server, and on a car. */
import type { Found } from '../../attack/range.ts';
import type { FoundOnRoad } from '../../attack/vehicle/ground.ts';

const COLUMNS = [
  ['attack', '---'],
  ['tries', '---:'],
  ['got in', '---:'],
  ['gap of the honest, ms', '---:'],
  ['slowest answer, ms', '---:'],
  ['live memory, MiB', '---:'],
  ['RSS, MiB', '---:'],
  ['log lines', '---:'],
] as const;

const ROAD_COLUMNS = [
  ['attack', '---'],
  ['tries', '---:'],
  ['got in', '---:'],
  ['driver’s gap, ms', '---:'],
  ['stop in force after, ms', '---:'],
  ['live memory, MiB', '---:'],
  ['RSS, MiB', '---:'],
] as const;

type Columns = readonly (readonly [name: string, rule: string])[];

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const headingOf = (columns: Columns): string[] => [
  line(columns.map(([name]) => name)),
  line(columns.map(([, rule]) => rule)),
];

export const heading = (): string[] => headingOf(COLUMNS);
export const roadHeading = (): string[] => headingOf(ROAD_COLUMNS);

const change = (from: number, to: number): string => `${from.toFixed(0)} → ${to.toFixed(0)}`;

export function row({ name, attempts, gotIn, honest, before, after, said }: Found): string {
  return line([
    name,
    attempts.toLocaleString('en'),
    gotIn,
    Math.round(honest.gapMs),
    Math.round(honest.answerMs),
    change(before.live, after.live),
    change(before.rss, after.rss),
    said,
  ]);
}

export function roadRow({ name, attempts, gotIn, driver, stopMs, before, after }: FoundOnRoad): string {
  return line([
    name,
    attempts.toLocaleString('en'),
    gotIn,
    Math.round(driver.gapMs),
    stopMs === undefined ? '' : stopMs === null ? 'never' : Math.round(stopMs),
    change(before.live, after.live),
    change(before.rss, after.rss),
  ]);
}
