/** A recording as a file: made to be sent to somebody, and read without trust in who made it. Pure. */
import * as z from 'zod/mini';
import { PeerReportSchema } from '../../shared/report.ts';
import { MAX_ENTRIES, type Recording, SIGNALLING } from './recording.ts';
import { createRedaction, mapTexts } from './redact.ts';

const FORMAT = 'plntry-timeline';
const VERSION = 1;
/** Of a file that is opened, in characters: no recording is longer. */
export const MAX_FILE = 8_000_000;

const text = (most: number) => z.string().check(z.maxLength(most));
/** Up to the latest that a Date can be. */
const time = z.number().check(z.nonnegative(), z.maximum(8.64e15));
/** No message that this page records is nested deeper. */
const MAX_DEPTH = 32;

const kind = z.enum(SIGNALLING);

const EntrySchema = z.union([
  z.object({
    type: z.literal('message'),
    at: time,
    from: z.enum(['operator', 'vehicle']),
    kind,
    message: z.nullable(z.record(z.string(), z.unknown())),
    bytes: z.int().check(z.nonnegative()),
    reached: z.boolean(),
    retained: z.boolean(),
  }),
  z.object({
    type: z.literal('state'),
    at: time,
    of: z.enum(['broker', 'session']),
    state: text(40),
    detail: z.optional(text(500)),
  }),
  z.object({ type: z.literal('drop'), at: time, kind, why: text(500) }),
]);

const FileSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** When it was saved, ms since the epoch. */
  savedAt: time,
  room: text(64),
  operator: text(64),
  session: z.nullable(text(64)),
  startedAt: time,
  entries: z.array(EntrySchema).check(z.maxLength(MAX_ENTRIES)),
  leftOut: z.int().check(z.nonnegative()),
  reports: z.object({ here: z.nullable(PeerReportSchema), there: z.nullable(PeerReportSchema) }),
  clock: z.nullable(z.object({ offset: z.number(), rtt: z.number() })),
});

/** @param keepAddresses with the IP addresses that both ends have found */
export function fileText(recording: Recording, keepAddresses: boolean, now: number): string {
  const file = { format: FORMAT, version: VERSION, savedAt: now, ...recording };
  return `${JSON.stringify(mapTexts(file, createRedaction(keepAddresses)), null, 1)}\n`;
}

/** Such as plntry-car1-2027-01-15-093012.json, in UTC. */
export function fileName({ room, startedAt }: Recording): string {
  const stamp = new Date(startedAt).toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  return `plntry-${room}-${stamp}.json`;
}

/** The recording in a file, or in one sentence why there is none. */
export function readFile(content: string): { recording: Recording } | { problem: string } {
  if (content.length > MAX_FILE) return { problem: 'This file is too large for a timeline.' };
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    return { problem: 'This file is no timeline: it is not JSON.' };
  }
  const { format, version } = (json ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT) return { problem: 'This file is no timeline of plntry.' };
  if (version !== VERSION) {
    return {
      problem: `This timeline is of version ${String(version).slice(0, 20)}; this page reads version ${VERSION}.`,
    };
  }
  if (isDeeper(json, MAX_DEPTH)) return { problem: 'This timeline is damaged: it is nested too deeply.' };
  const parsed = FileSchema.safeParse(json);
  if (parsed.success) return { recording: parsed.data };
  const [issue] = parsed.error.issues;
  return { problem: `This timeline is damaged at ${issue?.path.join('.') || 'its top'}: ${issue?.message}.` };
}

/** Level by level, since a value that is deep enough ends what calls itself. */
function isDeeper(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}
