/**
 * What the doctor found, as `plntry doctor --json` prints it. Fields are only ever added; `v` is raised
 * should one change its meaning. docs/doctor.md tells it in words.
 */
import * as z from 'zod/mini';
import { ServerAnswerSchema } from '../../shared/report.ts';

const millis = z.number().check(z.nonnegative());
const family = z.enum(['IPv4', 'IPv6']);
/** `address:port`, IPv6 in brackets. */
const place = z.string();

/** Whether something that speaks HTTP or MQTT could be reached. */
export const ReachSchema = z.object({
  /** Without login. */
  url: z.string(),
  /** As for STUN and TURN servers; refused: by its own word, an MQTT return code or an HTTP status. */
  answer: z.enum(['ok', 'refused', 'unreachable', 'unknown', 'skipped']),
  detail: z.optional(z.string()),
  /** Until it was connected, or had answered, ms. */
  ms: z.optional(millis),
});

export const TriedServerSchema = z.extend(ServerAnswerSchema, {
  /** One round trip to the server, ms. */
  rttMs: z.optional(millis),
  /** How it sees this machine, over UDP. */
  seen: z.optional(place),
  /** What it gave for others to send to; TURN only. */
  relayed: z.optional(place),
  /**
   * Whether a packet came through that relay: from another relay of the same server, and from this
   * machine directly, which its firewall may forbid. Not there where it was not tried.
   */
  carries: z.optional(z.object({ relayed: z.optional(z.boolean()), direct: z.optional(z.boolean()) })),
});

/**
 * How packets leave this machine over UDP. independent: from the same public address to everybody, so that
 * peers can meet there; dependent ("symmetric NAT"): from another one to each, so that only a relay helps;
 * blocked: no server answers over UDP, though one does over TCP or TLS; unknown: too few servers to tell.
 */
export const NatSchema = z.enum(['none', 'independent', 'dependent', 'blocked', 'unknown']);

export const FindingsSchema = z.object({
  addresses: z.array(z.object({ name: z.string(), address: z.string(), family })),
  /** null when none was given, but a web server. */
  broker: z.nullable(ReachSchema),
  /** The web server; null when none was given. */
  pages: z.nullable(
    z.object({
      /** `/api/ice`. */
      ice: ReachSchema,
      /** MQTT over WebSocket, as pages use it. */
      mqtt: ReachSchema,
    }),
  ),
  servers: z.array(TriedServerSchema),
  nat: NatSchema,
  /** What the web server or a provider of ICE servers warns of, each a sentence. */
  warnings: z.array(z.string()),
});

export const DiagnosisSchema = z.object({
  /** works: from everywhere; limited: with what is missing; broken: the broker, or every path. */
  status: z.enum(['works', 'limited', 'broken']),
  /** One sentence. */
  title: z.string(),
  /** What to do; may be empty. */
  advice: z.string(),
});

export const DoctorReportSchema = z.object({
  v: z.literal(1),
  /** When it was made, ms since the epoch, and how long that took. */
  ts: millis,
  ms: millis,
  diagnosis: DiagnosisSchema,
  findings: FindingsSchema,
});

export type Reach = z.infer<typeof ReachSchema>;
export type TriedServer = z.infer<typeof TriedServerSchema>;
export type Nat = z.infer<typeof NatSchema>;
export type Findings = z.infer<typeof FindingsSchema>;
export type Diagnosis = z.infer<typeof DiagnosisSchema>;
export type DoctorReport = z.infer<typeof DoctorReportSchema>;

/** Exit statuses of `plntry doctor`. */
export const STATUS_EXIT = { works: 0, limited: 1, broken: 2 } as const satisfies Record<
  Diagnosis['status'],
  number
>;
