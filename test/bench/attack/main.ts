/**
 * `npm run bench:attack`: every attack at full strength on a running server, and on a running car that is being
 * driven, and what honest clients, the driver and the machine notice of it. Prints two tables; exits with 1 where
 * something is not as it has to be.
 *
 *     npm run bench:attack -- --only packets --tries 5000 --verbose
 */
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { ATTACKS } from '../../attack/cases/all.ts';
import { ALLOWED } from '../../attack/memory.ts';
import { type Found, openRange } from '../../attack/range.ts';
import { VEHICLE_ATTACKS } from '../../attack/vehicle/cases/all.ts';
import { type FoundOnRoad, openRoad } from '../../attack/vehicle/ground.ts';
import { heading, roadHeading, roadRow, row } from './table.ts';

/** The longest that honest clients may wait for a message or for an answer, ms. */
const MOST_GAP_MS = 500;
/** The longest that a driver may wait for the car's answer to a command, and an emergency stop to be in force, ms. */
const MOST_ROAD_GAP_MS = 100;
const MOST_STOP_MS = 200;

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    tries: { type: 'string' },
    few: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const fits = ({ name }: { name: string }) => name.includes(flags.only ?? '');
const isPossible = ({ name, problem }: { name: string; problem?(): string | null }) => {
  const why = problem?.();
  if (why) process.stderr.write(`left out: ${name}: ${why}\n`);
  return !why;
};
const wanted = ATTACKS.filter(fits).filter(isPossible);
const wantedOnRoad = VEHICLE_ATTACKS.filter(fits).filter(isPossible);
if (wanted.length + wantedOnRoad.length === 0)
  throw new Error(`There is no attack whose name has '${flags.only}' in it.`);

function report({ problems }: { problems: string[] }): void {
  for (const problem of problems) process.stderr.write(`  ${problem}\n`);
}

async function attackServer(): Promise<Found[]> {
  const found: Found[] = [];
  if (wanted.length === 0) return found;
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
      report(one);
      if (!range.target.lives()) break;
    }
  } finally {
    await range.close();
  }
  return found;
}

async function attackCar(): Promise<FoundOnRoad[]> {
  const found: FoundOnRoad[] = [];
  if (wantedOnRoad.length === 0) return found;
  const road = await openRoad();
  try {
    for (const attack of wantedOnRoad) {
      const { full, test } = attack.size;
      const size = flags.tries ? Number(flags.tries) : flags.few ? (test ?? full) : full;
      process.stderr.write(`${attack.name}, ${size}${attack.flood ? ' ms' : ' times'}\n`);
      const one = await road.run(attack, size);
      const { gapMs, unsafe } = one.driver;
      const { stopMs = 0 } = one;
      if (gapMs > MOST_ROAD_GAP_MS && !attack.elsewhere)
        one.problems.push(`the driver waited ${Math.round(gapMs)} ms for an answer`);
      if (unsafe.length > 0 && !attack.elsewhere)
        one.problems.push(`the car was ${[...new Set(unsafe)].join(' and ')} meanwhile`);
      if ((stopMs ?? 0) > MOST_STOP_MS)
        one.problems.push(`an emergency stop took ${Math.round(stopMs ?? 0)} ms`);
      found.push(one);
      report(one);
    }
  } finally {
    await road.close();
  }
  return found;
}

const found = await attackServer();
const foundOnRoad = await attackCar();
const [processor] = cpus();
const load = loadavg()[0]?.toFixed(1);
const day = new Date().toISOString().slice(0, 10);
console.log(
  `${day}, ${cpus().length} cores (${processor?.model.trim()}), Linux ${release()}, Node ${process.versions.node}, load ${load}\n`,
);
if (found.length > 0) console.log(`${[...heading(), ...found.map(row)].join('\n')}\n`);
if (foundOnRoad.length > 0) console.log(`${[...roadHeading(), ...foundOnRoad.map(roadRow)].join('\n')}\n`);
const all = [...found, ...foundOnRoad];
const failed = all.filter(({ problems }) => problems.length > 0);
const count = wanted.length + wantedOnRoad.length;
console.log(
  `To reach: none got in, no gap above ${MOST_GAP_MS} ms, of a driver ${MOST_ROAD_GAP_MS} ms, an emergency stop in force within ${MOST_STOP_MS} ms, live memory at most ${ALLOWED} times that before. Missed by ${failed.length} of ${count}.`,
);
for (const { name, problems } of failed) console.log(`\n${name}:\n- ${problems.join('\n- ')}`);
if (failed.length > 0 || all.length < count) process.exitCode = 1;
