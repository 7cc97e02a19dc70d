/**
 * `npm run bench:attack`: every attack at full strength on a running server, and what honest clients and the
 * machine notice of it. Prints a table; exits with 1 where something is not as it has to be.
 *
 *     npm run bench:attack -- --only packets --tries 5000 --verbose
 */
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { ATTACKS } from '../../attack/cases/all.ts';
import { ALLOWED } from '../../attack/memory.ts';
import { type Found, openRange } from '../../attack/range.ts';
import { heading, row } from './table.ts';

/** The longest that honest clients may wait for a message or for an answer, ms. */
const MOST_GAP_MS = 500;

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    tries: { type: 'string' },
    few: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const named = ATTACKS.filter(({ name }) => name.includes(flags.only ?? ''));
for (const { name, problem } of named)
  if (problem?.()) process.stderr.write(`left out: ${name}: ${problem()}\n`);
const wanted = named.filter(({ problem }) => !problem?.());
if (wanted.length === 0) throw new Error(`There is no attack whose name has '${flags.only}' in it.`);

const found: Found[] = [];
const range = await openRange();
try {
  for (const attack of wanted) {
    const tries = flags.tries ? Number(flags.tries) : flags.few ? attack.tries.test : attack.tries.full;
    process.stderr.write(`${attack.name}, ${tries} times\n`);
    const one = await range.run(attack, tries);
    const { gapMs, answerMs } = one.honest;
    for (const [what, ms] of [
      ['a message', gapMs],
      ['an answer', answerMs],
    ] as const) {
      if (ms > MOST_GAP_MS) one.problems.push(`honest clients waited ${Math.round(ms)} ms for ${what}`);
    }
    found.push(one);
    if (flags.verbose) for (const warning of one.warnings) process.stderr.write(`    ${warning}\n`);
    for (const problem of one.problems) process.stderr.write(`  ${problem}\n`);
    if (!range.target.lives()) break;
  }
} finally {
  await range.close();
}

const [processor] = cpus();
const load = loadavg()[0]?.toFixed(1);
const day = new Date().toISOString().slice(0, 10);
console.log(
  `${day}, ${cpus().length} cores (${processor?.model.trim()}), Linux ${release()}, Node ${process.versions.node}, load ${load}\n`,
);
console.log([...heading(), ...found.map(row)].join('\n'));
const failed = found.filter(({ problems }) => problems.length > 0);
console.log(
  `\nTo reach: none got in, no gap above ${MOST_GAP_MS} ms, live memory at most ${ALLOWED} times that before. Missed by ${failed.length} of ${wanted.length}.`,
);
for (const { name, problems } of failed) console.log(`\n${name}:\n- ${problems.join('\n- ')}`);
if (failed.length > 0 || found.length < wanted.length) process.exitCode = 1;
