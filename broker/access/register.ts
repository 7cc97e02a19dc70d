/**
 * Who has been given access, and whose has ended: two files beside the secret, so that the command line and a
 * running server share them. `granted.jsonl` is for people; `ended.jsonl` is what counts. Both are only added to.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ROLES } from '../../shared/roles.ts';

const GRANTED = 'granted.jsonl';
export const ENDED = 'ended.jsonl';

const GrantedSchema = z.object({
  id: z.string(),
  kind: z.enum(['invitation', 'token', 'sign-in']),
  role: z.enum(ROLES),
  rooms: z.array(z.string()),
  sub: z.optional(z.string()),
  /** Of a person. */
  name: z.optional(z.string()),
  /** Seconds since the epoch. */
  issued: z.number(),
  until: z.number(),
});
export type Granted = z.infer<typeof GrantedSchema>;

const EndedSchema = z.union([
  /**
   * The token of this id, or the person, and those that come from it; with `before` only those that were issued
   * until then, seconds since the epoch. Of several the last counts.
   */
  z.object({ id: z.string(), used: z.optional(z.boolean()), before: z.optional(z.number()) }),
  /** All that were issued to a peer, or to anyone, until then, seconds since the epoch. */
  z.object({ sub: z.optional(z.string()), before: z.number() }),
]);
export type Ended = z.infer<typeof EndedSchema>;

/** @throws Error of one sentence when it can't be written */
export function addGranted(folder: string, granted: Granted): void {
  append(folder, GRANTED, granted);
}

/** @throws Error of one sentence when it can't be written */
export function addEnded(folder: string, ended: Ended): void {
  append(folder, ENDED, ended);
}

export const readGranted = (folder: string): Granted[] => read(join(folder, GRANTED), GrantedSchema);
export const readEnded = (folder: string): Ended[] => read(join(folder, ENDED), EndedSchema);

function append(folder: string, file: string, value: object): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, file);
    // A line that was cut off by a crash or a full disk must not swallow this one.
    const cut = existsSync(path) && !/(^|\n)$/.test(readFileSync(path, 'utf8'));
    appendFileSync(path, `${cut ? '\n' : ''}${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });
  } catch (error) {
    throw new Error(`'${join(folder, file)}' can't be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Lines that make no sense are passed over: a line that was cut off while it was written hides no other. */
function read<T>(file: string, schema: z.ZodMiniType<T>): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const parsed = schema.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    });
}
