/** What an attack is, and what comes of it. The attacks themselves are in cases/. */
import type { Target } from './target.ts';

export interface Attack {
  /** As a row of the table. */
  name: string;
  /** Why it can't be tried on this machine, if so. */
  problem?(): string | null;
  /** How often it is tried, in the benchmark and in the tests. */
  tries: { full: number; test: number };
  /** @param tries of the above */
  run(target: Target, tries: number): Promise<Outcome>;
  /** What the log has to say of it. */
  said: readonly Said[];
}

export interface Outcome {
  /** Tries that were made: fewer than were wanted where the server has put an end to them. */
  attempts: number;
  /** Tries by which the attacker got what it was not to get. */
  gotIn: number;
}

/** A line that has to be in the log: at least once, and once at most for each offender and kind of offence. */
export interface Said {
  /** Of the line's message, and its reason where it has one, as `message: reason`. */
  line: RegExp;
  /** Who is told apart: an address, or a client; 1 unless given. */
  offenders?: number;
}
