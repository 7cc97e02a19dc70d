/**
 * What one end of a session knows of the network between the two: the addresses it gathered, what each
 * STUN or TURN server answered, and which pair of addresses was chosen. Peers make it, both ends tell it
 * each other, and shared/verdict.ts puts it into words.
 */
import * as z from 'zod/mini';

/** Most entries of each list in a report; what is more is left out. */
export const MAX_LISTED = 50;
/** Longest note, in characters. */
const MAX_NOTE = 300;

const text = (most: number) => z.string().check(z.maxLength(most));
const millis = z.number().check(z.nonnegative());

/** One address that was gathered, without the address itself: that is nobody else's business. */
export const GatheredSchema = z.object({
  type: z.enum(['host', 'srflx', 'prflx', 'relay']),
  protocol: z.enum(['udp', 'tcp']),
  /** How this end reaches its TURN server; relay only. */
  relayProtocol: z.optional(z.enum(['udp', 'tcp', 'tls'])),
  /** mDNS: hidden by the browser behind a .local name (draft-ietf-mmusic-mdns-ice-candidates). */
  family: z.enum(['IPv4', 'IPv6', 'mDNS']),
});

export const ServerAnswerSchema = z.object({
  /** RFC 7064 or RFC 7065, without login. */
  url: text(300),
  /**
   * waiting: nothing has come yet; ok: it gave an address; refused: it answered with an error;
   * unreachable: no answer, or no connection; unknown: its name can't be resolved; skipped: not tried.
   */
  answer: z.enum(['waiting', 'ok', 'refused', 'unreachable', 'unknown', 'skipped']),
  /** STUN error code (RFC 8489, 14.8; RFC 8656, 19), with `refused`: 401, 403, 437, 438, 486 … */
  code: z.optional(z.int()),
  /** What else is known of it, for people. */
  detail: z.optional(text(200)),
  /** From asking to the answer, ms. */
  ms: z.optional(millis),
});

/** A state of the transport, and when it began. */
export const StateChangeSchema = z.object({
  /** This end's clock, ms since the epoch. */
  at: millis,
  of: z.enum(['gathering', 'ice', 'dtls', 'channels']),
  /** As RTCIceGatheringState, RTCIceTransportState, RTCDtlsTransportState, RTCDataChannelState. */
  state: text(20),
});

export const PeerReportSchema = z.object({
  gathered: z.array(GatheredSchema).check(z.maxLength(MAX_LISTED)),
  servers: z.array(ServerAnswerSchema).check(z.maxLength(MAX_LISTED)),
  /** Of this session, the oldest first. */
  states: z.array(StateChangeSchema).check(z.maxLength(MAX_LISTED)),
  /** The pair in use; null while there is none. */
  pair: z.nullable(z.object({ local: GatheredSchema, remote: GatheredSchema })),
  /** What else went wrong at this end, each a sentence: a provider of ICE servers that failed, for one. */
  notes: z.array(text(MAX_NOTE)).check(z.maxLength(MAX_LISTED)),
});

export type Gathered = z.infer<typeof GatheredSchema>;
export type ServerAnswer = z.infer<typeof ServerAnswerSchema>;
export type StateChange = z.infer<typeof StateChangeSchema>;
export type PeerReport = z.infer<typeof PeerReportSchema>;

/** A report as it may be sent: lists that have grown too long keep what came last. */
export function withinLimits(report: PeerReport): PeerReport {
  const last = <T>(list: T[]) => list.slice(-MAX_LISTED);
  const { gathered, servers, states, pair, notes } = report;
  return {
    gathered: last(gathered),
    servers: last(servers),
    states: last(states),
    pair,
    notes: last(notes).map((note) => note.slice(0, MAX_NOTE)),
  };
}

export const NOTHING_REPORTED: PeerReport = { gathered: [], servers: [], states: [], pair: null, notes: [] };
