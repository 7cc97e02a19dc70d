/** The table of attacks in Markdown. */
import type { Found } from '../../attack/range.ts';

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

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

export const heading = (): string[] => [
  line(COLUMNS.map(([name]) => name)),
  line(COLUMNS.map(([, rule]) => rule)),
];

export function row({ name, attempts, gotIn, honest, before, after, said }: Found): string {
  const change = (from: number, to: number) => `${from.toFixed(0)} → ${to.toFixed(0)}`;
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
