/**
 * Runs in a file, so that a benchmark of an hour that was interrupted goes on where it was: a line of JSON for each,
 * with the build that it is of. Those of other builds don't count.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Run } from './table.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What a build is made of. */
const SOURCES = ['broker', 'shared', 'vehicle', 'web', 'test/network'];

interface Line {
  build: string;
  fault: string;
  kmh: number;
  run: Run;
}

export interface KeptRuns {
  of(fault: string): Run[];
  add(fault: string, run: Run): void;
}

/** @param file null: in memory only @throws Error of one sentence where sources differ from what is committed */
export function createKeptRuns(file: string | null, kmh: number): KeptRuns {
  const build = file === null ? '' : buildNow();
  const lines = file !== null && existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const all = lines
    .filter((text) => text !== '')
    .map((text): Line => JSON.parse(text))
    .filter((line) => line.build === build && line.kmh === kmh);
  return {
    of: (fault) => all.filter((line) => line.fault === fault).map(({ run }) => run),
    add(fault, run) {
      const line: Line = { build, fault, kmh, run: { ...run, trace: [] } };
      all.push(line);
      if (file !== null) appendFileSync(file, `${JSON.stringify(line)}\n`);
    },
  };
}

function buildNow(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  if (git('status', '--porcelain', '--', ...SOURCES) !== '') {
    throw new Error('Runs are kept of what is committed only, and there are changes.');
  }
  return git('rev-parse', ...SOURCES.map((source) => `HEAD:${source}`)).replaceAll('\n', ' ');
}
