/**
 * Who has been given access, and whose has ended: two files beside the secret, so that the command line and a
 * running server share them. `granted.jsonl` is for people; `ended.jsonl` is what counts. Both are only added to.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ROLES } from '../../shared/roles.ts';

const GRANTED = 'granted.jsonl';
export const ENDED = 'ended.jsonl';

const GrantedSchema = z.object({
  id: z.string(),
  /** A `session` is what an invitation or a sign-in, `from`, was swapped for; the ids of its peers begin with `sub`. */
  kind: z.enum(['invitation', 'token', 'sign-in', 'session']),
  from: z.optional(z.string()),
  role: z.enum(ROLES),
  rooms: z.array(z.string()),
  sub: z.optional(z.string()),
  /** How many browsers may use an invitation. */
  uses: z.optional(z.number()),
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
   * until then, seconds since the epoch. Of several the last counts. `used`: the invitation was swapped for a
   * session, whose peers' ids begin with `sub`, and nothing has ended.
   */
  z.object({
    id: z.string(),
    used: z.optional(z.boolean()),
    sub: z.optional(z.string()),
    before: z.optional(z.number()),
  }),
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

/** The list of what has ended, as a running server has it. */
export interface EndedFile {
  /** @throws Error when it can't be read */
  read(): Ended[];
  /** @throws Error of one sentence when it can't be written */
  add(ended: Ended): void;
  close(): void;
}

/**
 * Kept open, so that access can be ended, and invitations are not used twice, also while no more files can be opened.
 * @throws Error when it can't be opened
 */
export function openEnded(folder: string): EndedFile {
  const path = join(folder, ENDED);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let file = openSync(path, 'a+', 0o600);

  /** Somebody may have put another file in its place. */
  function follow(): void {
    const [kept, now] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
    if (now?.ino === kept.ino && now.dev === kept.dev) return;
    const next = openSync(path, 'a+', 0o600);
    closeSync(file);
    file = next;
  }

  function text(): string {
    const bytes = Buffer.alloc(fstatSync(file).size);
    let length = 0;
    for (let got = 1; got > 0 && length < bytes.length; length += got)
      got = readSync(file, bytes, length, bytes.length - length, length);
    return bytes.toString('utf8', 0, length);
  }

  return {
    read() {
      follow();
      return parse(text(), EndedSchema);
    },
    add(ended) {
      writing(path, () => {
        follow();
        const line = Buffer.from(lineAfter(text(), ended));
        // What was written in part would be taken for a line that was cut off, and this one be lost.
        if (writeSync(file, line) < line.length) throw Object.assign(new Error(), { code: 'ENOSPC' });
        fsyncSync(file);
      });
    },
    close: () => closeSync(file),
  };
}

/** Another one when more has been given. */
export function grantedVersion(folder: string): string {
  const found = statSync(join(folder, GRANTED), { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : '';
}

export const readGranted = (folder: string): Granted[] => read(join(folder, GRANTED), GrantedSchema);
export const readEnded = (folder: string): Ended[] => read(join(folder, ENDED), EndedSchema);

function append(folder: string, file: string, value: object): void {
  const path = join(folder, file);
  writing(path, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    appendFileSync(path, lineAfter(before, value), { mode: 0o600, flush: true });
  });
}

function writing(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new Error(`'${path}' can't be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** A line that was cut off by a crash or a full disk must not swallow this one. */
const lineAfter = (before: string, value: object): string =>
  `${/(^|\n)$/.test(before) ? '' : '\n'}${JSON.stringify(value)}\n`;

const read = <T>(file: string, schema: z.ZodMiniType<T>): T[] =>
  existsSync(file) ? parse(readFileSync(file, 'utf8'), schema) : [];

/** Lines that make no sense are passed over: a line that was cut off while it was written hides no other. */
function parse<T>(text: string, schema: z.ZodMiniType<T>): T[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = schema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}
