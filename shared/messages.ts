/**
 * Every MQTT message of the protocol: its schema, its type, and the one function that parses it.
 *
 * Receivers ignore fields that they don't know. A message that does not parse is dropped by the
 * caller, with the reason given here; nothing in this file throws.
 */
import * as z from 'zod/mini';
import { isKey, isSignature, MAX_PASS } from './keys.ts';
import { PeerReportSchema } from './report.ts';
import { isId, type TopicKind } from './topics.ts';

/** Version of the wire protocol, carried by every message as `v`. */
export const PROTOCOL_VERSION = 1;

/** Largest payload that is parsed, in bytes; an SDP with many candidates is some 8 KiB. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

const id = z.string().check(z.refine(isId, { error: 'is not an id' }));
const millis = z.number().check(z.nonnegative());
const count = z.int().check(z.nonnegative());
/** Nine digits in base 36, as they stand in a session's name: the year 5188. */
export const MAX_EPOCH = 36 ** 9 - 1;
const epoch = z.int().check(z.nonnegative(), z.maximum(MAX_EPOCH));
/** Sorts by age; see sessionId in negotiation-state.ts. */
const session = z.string().check(z.regex(/^[0-9a-z]{9}-[0-9a-z]{4}$/));
/** Enough to tell a description that WebRTC can use from other text (RFC 8866, RFC 8839, RFC 8122). */
const sdp = z.string().check(
  z.refine((text) => /^v=0\r?\n/.test(text) && /^m=/m.test(text), { error: 'is not SDP' }),
  z.refine((text) => /^a=ice-ufrag:/m.test(text) && /^a=fingerprint:/m.test(text), {
    error: 'is SDP without ICE or DTLS',
  }),
);
const shortText = z.string().check(z.maxLength(500));

const envelope = {
  v: z.literal(PROTOCOL_VERSION),
  /** Sender's clock, ms since the epoch. */
  ts: millis,
};

export const PresenceSchema = z.object({
  ...envelope,
  state: z.enum(['online', 'offline', 'lost']),
  role: z.enum(['vehicle', 'operator']),
  /** One run of the peer's process: its start, ms since the epoch. A later run has a larger one. */
  epoch,
  /** When this state began, ms since the epoch. */
  since: millis,
  name: z.optional(z.string().check(z.maxLength(64))),
  /** Vehicle: it makes sessions ahead for operators that are `preparing`. */
  prepares: z.optional(z.boolean()),
  /** Operator: it may take the wheel from others. */
  supervises: z.optional(z.boolean()),
  /** Operator: it has not come yet, and may not; a session shall be ready if it does. */
  preparing: z.optional(z.boolean()),
});

export const OfferStateSchema = z.object({
  ...envelope,
  from: id,
  epoch,
  phase: z.enum(['waiting', 'offering', 'connected']),
  sessions: z.array(
    z.object({
      peer: id,
      session,
      phase: z.enum(['offering', 'connected']),
      /** Made ahead: its operator has not entered. */
      prepared: z.optional(z.boolean()),
    }),
  ),
});

export const SdpSchema = z.object({
  ...envelope,
  session,
  /** Grows with every offer of a session; an answer carries its offer's. */
  seq: count,
  /** `restart` asks the offerer for an ICE restart, and then has no SDP. */
  type: z.enum(['offer', 'answer', 'restart']),
  sdp: z.optional(sdp),
  /** Who says it: a public key, and its signature over what signature.ts says; both or none. */
  key: z.optional(z.string().check(z.refine(isKey, { error: 'is not a key' }))),
  sig: z.optional(z.string().check(z.refine(isSignature, { error: 'is not a signature' }))),
  /** Operator: the fleet's word for the key; see pass.ts. */
  pass: z.optional(z.string().check(z.maxLength(MAX_PASS))),
});

export const CandidateSchema = z.object({
  candidate: z.string().check(z.maxLength(1024)),
  sdpMid: z.optional(z.nullable(z.string().check(z.maxLength(64)))),
  sdpMLineIndex: z.optional(z.nullable(count)),
  usernameFragment: z.optional(z.nullable(z.string().check(z.maxLength(256)))),
});

export const IceSchema = z.object({
  ...envelope,
  session,
  candidates: z.array(CandidateSchema).check(z.maxLength(200)),
  /** True when there will be no more candidates of this gathering. */
  done: z.boolean(),
});

export const ByeSchema = z.object({
  ...envelope,
  session: z.optional(session),
  reason: z.enum(['left', 'replaced', 'refused', 'full', 'failed']),
  detail: z.optional(shortText),
});

/** What the sender knows of the network in this session: always the whole of it. */
export const ReportSchema = z.object({ ...envelope, session, ...PeerReportSchema.shape });

export const TelemetrySchema = z.object({
  ...envelope,
  /** VSS name → value; names and units in vss.ts. */
  values: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
});

/** Pixels, pictures a second, and the bit rate that allows no more, kbit/s. */
const ReducedSchema = z.object({
  width: count,
  height: count,
  fps: z.number().check(z.positive()),
  allowedKbps: count,
});

export const LinkSchema = z.object({
  ...envelope,
  /** Whose path this is; without it a smaller `relayBytes` than before means a new session. */
  session: z.optional(session),
  path: z.enum(['host', 'srflx', 'prflx', 'relay']),
  protocol: z.enum(['udp', 'tcp']),
  /** How the vehicle reaches its TURN server; each end may have its own way. */
  relayProtocol: z.optional(z.enum(['udp', 'tcp', 'tls'])),
  /** How the operator reaches its own. */
  operatorRelayProtocol: z.optional(z.enum(['udp', 'tcp', 'tls'])),
  /** Round trip, ms. */
  rttMs: z.number(),
  /** Packets lost on the way to the operator in the last second, percent. */
  lossPct: z.number(),
  /** Video sent in the last second, kbit/s. */
  kbps: z.number(),
  /** Bytes over relays in this session, both ways; what counts is in relay-count.ts. */
  relayBytes: count,
  /** What the pictures are reduced to, in size and number, while the path carries no more. */
  reduced: z.optional(ReducedSchema),
});

const share = z.object({
  /** In this month so far. */
  relayBytes: count,
  /** What is meant to be enough for the month. */
  budgetBytes: z.optional(count),
});

/** Limits that a vehicle may be given, kbit/s: with less than that nobody can drive. */
export const LIMIT_KBPS = { least: 150, most: 100_000 } as const;

export const UsageSchema = z.object({
  ...envelope,
  /** Of the calendar, in UTC: `2027-05`. */
  month: z.string().check(z.regex(/^\d{4}-(0[1-9]|1[0-2])$/)),
  car: share,
  /** All vehicles together, this one included. */
  all: share,
  /** Of the budget that is nearer to its end: `warning` from 80 % on, `exceeded` from 100 % on. */
  level: z.enum(['fine', 'warning', 'exceeded']),
  /** Most video that the vehicle is to send while its path is relayed, kbit/s. */
  limitKbps: z.optional(z.int().check(z.minimum(LIMIT_KBPS.least), z.maximum(LIMIT_KBPS.most))),
});

export const LeaseSchema = z.object({
  ...envelope,
  holder: z.nullable(id),
  since: millis,
  /** Gets it as soon as the vehicle stands. */
  next: z.optional(id),
  /** Has asked the holder to hand over. */
  asking: z.optional(id),
});

/** What they mean is in safety.ts. */
export const SAFETY_STATES = ['ready', 'driving', 'degraded', 'stopped', 'estopped'] as const;

export const SafetySchema = z.object({
  ...envelope,
  state: z.enum(SAFETY_STATES),
  reason: z.optional(shortText),
  since: millis,
});

export const EstopSchema = z.object({ ...envelope, from: id, reason: z.optional(shortText) });

/** Message schemas by kind of topic. */
export const schemas = {
  presence: PresenceSchema,
  offer: OfferStateSchema,
  sdp: SdpSchema,
  ice: IceSchema,
  bye: ByeSchema,
  report: ReportSchema,
  telemetry: TelemetrySchema,
  link: LinkSchema,
  lease: LeaseSchema,
  safety: SafetySchema,
  estop: EstopSchema,
  usage: UsageSchema,
} as const satisfies Record<TopicKind, z.ZodMiniType>;

export type Messages = { [Kind in TopicKind]: z.infer<(typeof schemas)[Kind]> };
export type Presence = Messages['presence'];
export type OfferState = Messages['offer'];
export type Sdp = Messages['sdp'];
export type Ice = Messages['ice'];
export type Bye = Messages['bye'];
export type Report = Messages['report'];
export type Telemetry = Messages['telemetry'];
export type Link = Messages['link'];
export type Reduced = z.infer<typeof ReducedSchema>;
export type Lease = Messages['lease'];
export type Safety = Messages['safety'];
export type Usage = Messages['usage'];
export type Candidate = z.infer<typeof CandidateSchema>;

/** A message's own fields: all but the envelope. */
export type Body<Kind extends TopicKind> = Omit<Messages[Kind], 'v' | 'ts'>;

export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string };

/** The text of a message of one kind. @param now sender's clock, ms since the epoch */
export function buildMessage<Kind extends TopicKind>(_kind: Kind, body: Body<Kind>, now: number): string {
  return JSON.stringify({ v: PROTOCOL_VERSION, ts: Math.round(now), ...body });
}

/** Parses a payload as a message of the given kind; the reason names the field that was wrong. */
export function parseMessage<Kind extends TopicKind>(
  kind: Kind,
  payload: Uint8Array,
): Parsed<Messages[Kind]> {
  if (payload.byteLength > MAX_MESSAGE_BYTES) {
    return { ok: false, reason: `is ${payload.byteLength} bytes, more than ${MAX_MESSAGE_BYTES}` };
  }
  const json = parseJson(payload);
  return json.ok ? check(schemas[kind] as unknown as z.ZodMiniType<Messages[Kind]>, json.value) : json;
}

/** Checks a value against a schema; the reason names the first field that was wrong. */
export function check<T>(schema: z.ZodMiniType<T>, value: unknown): Parsed<T> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') || 'message';
  return { ok: false, reason: `${where}: ${issue?.message ?? 'is invalid'}` };
}

function parseJson(payload: Uint8Array): Parsed<unknown> {
  try {
    return { ok: true, value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) };
  } catch {
    return { ok: false, reason: 'is not JSON in UTF-8' };
  }
}
