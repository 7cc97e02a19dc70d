/**
 * `npm run bench:network`: the product in an internet of its own (test/network/), part by part.
 *
 *     npm run bench:network                               all parts
 *     npm run bench:network -- video --system plntry    one of them, with what it takes
 *     npm run bench:network -- setup --tries 8
 *
 * Prints a table for each part; exits with 1 where what is to be reached was missed.
 */
import { canRunLab } from '../../network/lab.ts';

/** One line of a part's table. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  /** Not to be exceeded; null where the figure is for information. */
  limit: number | null;
  /** To be reached at least. */
  least?: number;
}

/** @param args what stands after the part's name */
type Part = (args: string[]) => Promise<{ title: string; rows: Row[] }>;

const PARTS: Record<string, () => Promise<Part>> = {
  recovery: async () => (await import('./recovery.ts')).recovery,
  setup: async () => (await import('./setup.ts')).setup,
  video: async () => (await import('./video.ts')).video,
};

const [name, ...args] = process.argv.slice(2);
const wanted = name === undefined ? Object.keys(PARTS) : [name];
const unknown = wanted.find((part) => !PARTS[part]);
const problem = unknown
  ? `There is no part '${unknown}'; there are: ${Object.keys(PARTS).join(', ')}.`
  : canRunLab();
if (problem) {
  console.error(problem);
  process.exit(2);
}

for (const part of wanted) {
  const run = await PARTS[part]?.();
  if (run) print(await run(args));
}

function print({ title, rows }: { title: string; rows: Row[] }): void {
  console.log(`\n${title}\n\n| measured | value | to reach |\n| --- | ---: | ---: |`);
  for (const { name, value, unit, limit, least } of rows) {
    const most = limit === null ? '' : `≤ ${limit.toFixed(0)}`;
    const reach = least === undefined ? most : `≥ ${least.toFixed(0)}`;
    console.log(`| ${name} | ${value.toFixed(0)} ${unit} | ${reach} |`);
    if (limit !== null && !(value <= limit)) process.exitCode = 1;
    if (least !== undefined && !(value >= least)) process.exitCode = 1;
  }
}
