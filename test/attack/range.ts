/**
 * The shooting range: one server, its honest clients, and somebody who looks at its memory and its log. Used by
 * the tests and by the benchmark; what they demand of what is found differs.
 */
import type { Attack, Outcome } from './attack.ts';
import { type Seen, startHonest } from './honest.ts';
import { isAsBefore, type Memory, probeMemory } from './memory.ts';
import { startTarget, type Target } from './target.ts';

/** For what the server closes by its own clock, ms: a client that it has slowed down for 30 s, the longest. */
const SETTLE_MS = 40_000;
/** Warnings that an attack may cause beside those that it has to. */
const MOST_OTHERS = 10;

export interface Found extends Outcome {
  name: string;
  honest: Seen;
  before: Memory;
  after: Memory;
  /** Lines of the log that say what happened, all warnings, and how many lines there were in all. */
  said: number;
  warnings: string[];
  lines: number;
  /** What is not as it has to be, one sentence each, but for times. */
  problems: string[];
}

export interface Range {
  target: Target;
  run(attack: Attack, tries: number): Promise<Found>;
  close(): Promise<void>;
}

/** @param options of `plntry serve` */
export async function openRange(options: string[] = []): Promise<Range> {
  const target = await startTarget(options);
  const honest = await startHonest(target);
  const memory = await probeMemory(target);
  // Once, so that what is made at the first time counts as having been there.
  await honest.look();
  return {
    target,
    async run(attack, tries) {
      target.nextAttacker();
      const since = target.log.length();
      const before = await memory.look();
      await honest.begin();
      const outcome = await attack.run(target, tries);
      const seen = await honest.look();
      await Promise.all(attack.said.map(({ line }) => target.log.saying(line, since))).catch(() => {});
      const after = target.lives() ? await memory.settled(before, SETTLE_MS) : before;
      const warnings = target.log.warnings(since).map(({ said }) => said);
      const said = warnings.filter((one) => attack.said.some(({ line }) => line.test(one))).length;
      const found = { name: attack.name, ...outcome, honest: seen, before, after, said };
      const problems = problemsOf(found, attack, tries, warnings, target.lives());
      return { ...found, warnings, lines: target.log.length() - since, problems };
    },
    async close() {
      memory.close();
      await honest.close();
      await target.stop();
    },
  };
}

function problemsOf(
  { attempts, gotIn, honest, before, after }: Omit<Found, 'problems' | 'warnings' | 'lines'>,
  { said }: Attack,
  tries: number,
  warnings: string[],
  lives: boolean,
): string[] {
  const problems: string[] = [];
  const demand = (holds: boolean, problem: string) => void (holds || problems.push(problem));
  demand(lives, 'the server has ended');
  demand(attempts > 0 && attempts <= tries, `${attempts} of ${tries} tries were made`);
  demand(gotIn === 0, `${gotIn} of ${attempts} got in`);
  demand(honest.lost === 0, `the honest clients lost ${honest.lost} of ${honest.sent} messages`);
  demand(honest.closed === 0, `connections of honest clients were closed ${honest.closed} times`);
  demand(honest.failed === 0, `${honest.failed} of ${honest.requests} honest requests failed`);
  demand(honest.received > 0, 'the honest clients heard nothing');
  demand(
    isAsBefore(before, after),
    `memory: ${shown(before)} before, ${shown(after)} after, in MiB and descriptors`,
  );
  for (const { line, offenders = 1 } of said) {
    const count = warnings.filter((one) => line.test(one)).length;
    demand(count > 0, `the log does not say ${line}`);
    demand(count <= offenders, `the log says ${line} ${count} times, of ${offenders} offenders`);
  }
  const others = warnings.filter((one) => !said.some(({ line }) => line.test(one)));
  demand(
    others.length <= MOST_OTHERS,
    `${others.length} other warnings, such as: ${others.slice(0, 5).join('; ')}`,
  );
  return problems;
}

const shown = ({ live, descriptors }: Memory): string => `${live.toFixed(1)} and ${descriptors}`;
