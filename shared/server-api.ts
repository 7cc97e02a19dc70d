/** What the web server answers to pages and vehicles over HTTP, as JSON. */
import * as z from 'zod/mini';
import { isKey } from './keys.ts';

const key = z.string().check(z.refine(isKey, { error: 'is not a key' }));

/** As RTCIceServer in the browser. */
export const IceServerSchema = z.object({
  urls: z.union([z.string(), z.array(z.string())]),
  username: z.optional(z.string()),
  credential: z.optional(z.string()),
});

/** `GET /api/ice` */
export const IceAnswerSchema = z.object({
  iceServers: z.array(IceServerSchema),
  /** How long the answer may be used, seconds. */
  ttl: z.number().check(z.positive()),
  /** What is missing from the list and why, each a sentence: a provider that failed. */
  warnings: z.optional(z.array(z.string())),
});

/** `GET /api/fleet`: what the pages need to start. */
export const FleetAnswerSchema = z.object({
  v: z.literal(1),
  /** MQTT topic root. */
  root: z.string(),
  /** A path on the web server, or a ws(s) URL of another broker. */
  mqtt: z.object({ url: z.string() }),
  /** What the fleet is called. */
  name: z.optional(z.string()),
  /** Public keys of vehicles, by room, as far as the fleet knows them; see signature.ts. */
  keys: z.optional(z.record(z.string(), key)),
  /** Public key with which the fleet signs its operators' passes; see pass.ts. */
  fleetKey: z.optional(key),
});

export type IceServer = z.infer<typeof IceServerSchema>;
export type IceAnswer = z.infer<typeof IceAnswerSchema>;
export type FleetAnswer = z.infer<typeof FleetAnswerSchema>;
