/**
 * The public key of the fleet, by whose passes a vehicle knows its operators: as it was given, or as the
 * server said it the first time, which is kept and never replaced by another.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../shared/clock.ts';
import { isKey } from '../shared/keys.ts';
import type { Log } from '../shared/log.ts';
import { check } from '../shared/messages.ts';
import { FleetAnswerSchema } from '../shared/server-api.ts';
import { fingerprintOf } from '../shared/signature.ts';
import { makeFolder } from './log/log-folder.ts';

/** A server that has not answered after this is asked again later, ms. */
const TIMEOUT_MS = 5_000;
const AGAIN_MS = 10_000;
/** The vehicle goes on without an answer after this, ms; what it has kept counts from the start. */
const START_LIMIT_MS = 1_000;

export interface FleetKey {
  /** Null while there is none: operators need no pass. */
  get(): string | null;
  /** Asks the server anew: it may be another one than before. */
  again(): void;
  close(): void;
}

export interface FleetKeySource {
  /** Given by hand, null for none: nobody is asked then, and what is kept does not count. */
  key?: string | null | undefined;
  /** Whose /api/fleet is asked. */
  server?: string | undefined;
  /** Where what it said is kept. */
  file: string;
}

/** @throws Error of one sentence when what is kept can't be read: without it anybody could drive */
export async function keepFleetKey(
  { key: given, server, file }: FleetKeySource,
  clock: Clock,
  log: Log,
): Promise<FleetKey> {
  let key = given === undefined ? read(file) : given;
  let stopAsking = () => {};
  /** What the server last named that was not taken: said once. */
  let said: string | null | undefined;
  const { promise: asked, resolve: setAsked } = Promise.withResolvers<void>();
  let turn = 0;

  async function look(): Promise<void> {
    stopAsking();
    if (given !== undefined || server === undefined) return setAsked();
    const mine = ++turn;
    try {
      const answer = await askFleetKey(server);
      if (mine === turn) await heard(answer);
    } catch {
      if (mine === turn) stopAsking = clock.after(AGAIN_MS, () => void look());
      return;
    }
    setAsked();
  }

  async function heard(answer: string | null): Promise<void> {
    if (key !== null) return compare(answer, key);
    if (answer === null) return;
    key = answer;
    log.info({ fleetKey: answer, fingerprint: fingerprintOf(answer) }, 'takes operators of this fleet only');
    try {
      await makeFolder(dirname(file));
      writeFileSync(file, `${answer}\n`, { flag: 'wx', mode: 0o600, flush: true });
    } catch (error) {
      const { message: reason } = error as Error;
      log.warn({ file, reason }, 'the fleet’s key can’t be kept: it is believed anew after the next start');
    }
  }

  function compare(answer: string | null, kept: string): void {
    if (answer === kept || answer === said) return;
    said = answer;
    const fields = { server, kept: fingerprintOf(kept), said: answer && fingerprintOf(answer), file };
    if (answer === null)
      log.warn(fields, 'the server names no key of its fleet any more; the kept one counts on');
    else
      log.error(
        fields,
        `the server names another key of its fleet, which is refused; if it was changed on purpose, remove ${file} and start again`,
      );
  }

  void look();
  await Promise.race([
    asked,
    new Promise<void>((resolve) => {
      clock.after(START_LIMIT_MS, resolve);
    }),
  ]);
  return {
    get: () => key,
    again: () => void look(),
    close() {
      turn++;
      stopAsking();
    },
  };
}

/** Null when the server has none. */
async function askFleetKey(server: string): Promise<string | null> {
  const response = await fetch(new URL('/api/fleet', server), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const answer = check(FleetAnswerSchema, await response.json());
  if (!response.ok || !answer.ok) throw new Error('the server’s answer makes no sense');
  return answer.value.fleetKey ?? null;
}

function read(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new Error(`The fleet’s key in ${file} can’t be read (${code}).`);
  }
  if (isKey(text)) return text;
  throw new Error(`${file} holds no key of a fleet; remove it to take the one that the server names.`);
}
