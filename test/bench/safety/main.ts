/**
 * `npm run bench:safety`: what befalls a drive at full speed in the real set-up (test/network/), and whether the car
 * stops in time, or goes on, in every single run.
 *
 *     npm run bench:safety                                    all, 30 runs each
 *     npm run bench:safety -- --fault 'agent' --runs 3        some of them: a part of the name
 *     npm run bench:safety -- --kmh 20                        slower
 *     npm run bench:safety -- --into runs.jsonl               goes on where it was interrupted
 *
 * Prints a table, and each run that missed with the car's own words; exits with 1 where one did.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { accountOf } from '../../network/faults.ts';
import { canRunLab, createLab, type Lab } from '../../network/lab.ts';
import { type Driving, keyUp, startDriving } from '../../network/safety/drive.ts';
import type { Outcome, SafetyFault } from '../../network/safety/faults.ts';
import { STOPS } from '../../network/safety/stops.ts';
import { UNDISTURBED } from '../../network/safety/undisturbed.ts';
import { createKeptRuns } from './kept-runs.ts';
import { type Run, table } from './table.ts';

/** More is no accident. */
const MOST_SET_UPS_FAILED = 5;

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '30' },
    fault: { type: 'string', default: '' },
    kmh: { type: 'string', default: '45' },
    into: { type: 'string', default: '' },
  },
});
const [runs, kmh] = [Number(flags.runs), Number(flags.kmh)];
// Those that don't stop the car come first, one after the other at speed.
const wanted = [...UNDISTURBED, ...STOPS].filter(({ name }) => name.includes(flags.fault));
const problem = wanted.length === 0 ? `There is no fault like '${flags.fault}'.` : canRunLab();
if (problem) {
  console.error(problem);
  process.exit(2);
}

/** How late this process itself is, which has next to nothing to do: so late is the machine. */
const late = monitorEventLoopDelay({ resolution: 10 });
late.enable();

let setUpsFailed = 0;
const kept = createKeptRuns(flags.into || null, kmh);
for (const fault of wanted) {
  const missing = runs - kept.of(fault.name).length;
  if (missing <= 0) continue;
  // Each has a set-up of its own: what one leaves behind is not the next one's.
  let { lab, driving } = await setUp();
  try {
    for (let run = runs - missing + 1; run <= runs; run++) {
      late.reset();
      const { outcome, broken } = await strike(driving, fault);
      kept.add(fault.name, outcome);
      say(
        `${fault.name}, ${run} of ${runs}: ${inWords(outcome)} (machine late by ${(late.max / 1e6).toFixed(0)} ms)`,
      );
      if (outcome.missed.length > 0) for (const line of outcome.trace) say(`    ${JSON.stringify(line)}`);
      if (!broken) continue;
      driving.car.close();
      await lab.close();
      ({ lab, driving } = await setUp());
    }
  } finally {
    driving.car.close();
    await lab.close();
  }
}
late.disable();
const done = wanted.map((fault) => ({ fault, runs: kept.of(fault.name) }));
console.log(table(done, { runs, kmh }));
if (setUpsFailed > 0)
  console.log(`\n${setUpsFailed} set-ups came to no picture, and were made anew before any fault.`);
if (done.some((each) => each.runs.some(({ missed }) => missed.length > 0))) process.exitCode = 1;

/** A set-up in which a picture is there; one that comes to none is no run of a fault, and is counted by itself. */
async function setUp(): Promise<{ lab: Lab; driving: Driving }> {
  for (;;) {
    const lab = await createLab();
    try {
      return { lab, driving: await startDriving(lab, kmh) };
    } catch (error) {
      await lab.close();
      say(`no set-up: ${error instanceof Error ? error.message : error}`);
      if (++setUpsFailed > MOST_SET_UPS_FAILED) throw error;
    }
  }
}

/** One run; one that comes to no end is a miss too. */
async function strike(driving: Driving, fault: SafetyFault): Promise<{ outcome: Run; broken: boolean }> {
  try {
    const outcome = await fault.run(driving);
    if (fault.effect === 'stops') await keyUp(driving);
    return { outcome: { ...outcome, missed: missedBy(outcome, fault) }, broken: false };
  } catch (error) {
    say(await accountOf(driving).catch(String));
    const trace = driving.car.lines.slice(-50);
    const missed = [error instanceof Error ? error.message : String(error)];
    return {
      outcome: { stop: null, counts: {}, problems: [], hitches: [], trace, missed },
      broken: true,
    };
  }
}

function missedBy({ stop, problems, hitches }: Outcome, { effect }: SafetyFault): string[] {
  const missed = [...problems, ...hitches];
  if (effect !== 'none' && !stop) missed.push('the throttle stayed on');
  if (effect === 'stops' && !stop?.brake) missed.push('the brake stayed off');
  return missed;
}

function inWords({ stop, counts, missed }: Run): string {
  const times = stop && [
    `off ${stop.release.fromFault.toFixed(0)} ms after the fault`,
    `${stop.release.fromFresh.toFixed(0)} after the last command`,
    ...(stop.brake
      ? [`brake ${stop.brake.fromFault.toFixed(0)}`, `${stop.brake.fromFresh.toFixed(0)} after the last`]
      : []),
  ];
  const counted = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  const verdict = missed.length === 0 ? 'kept' : `MISSED: ${missed.join('; ')}`;
  return [...(times ?? []), ...counted, verdict].join(', ');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
