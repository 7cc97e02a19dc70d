/** What the web server answers to pages and vehicles over HTTP, as JSON. */
import * as z from 'zod/mini';
import { isKey } from './keys.ts';
import { ROLES } from './roles.ts';
import { isId } from './topics.ts';

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

/** `POST /api/token`, and a first one with `GET /api/fleet`: who a page is on the broker, and its password there. */
export const PageTokenSchema = z.object({
  /** Its peer id and MQTT client id. */
  peer: z.string().check(z.refine(isId)),
  token: z.string(),
  /** When it ends, seconds since the epoch of the server's clock. */
  expires: z.number(),
  /** The server's time, seconds since the epoch. */
  now: z.number(),
  /** The fleet's word for the public key that was sent along, as long as the token; see pass.ts. */
  pass: z.optional(z.string()),
});

/** Who has opened the page. */
export const YouSchema = z.object({
  role: z.enum(ROLES),
  /** Names of rooms, and patterns: see room-pattern.ts. */
  rooms: z.array(z.string()),
  /** When access ends, seconds since the epoch. */
  until: z.number(),
  name: z.optional(z.string()),
});

/** `POST /api/session`, with an invitation. */
export const SessionAnswerSchema = z.object({ path: z.string(), you: YouSchema });

/** What is wrong, in one sentence; with every status from 400 on. */
export const ProblemSchema = z.object({ error: z.string() });

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
  /** With access control only. */
  access: z.optional(
    z.object({
      /** Null for who has not signed in. */
      you: z.nullable(YouSchema),
      token: z.optional(PageTokenSchema),
      /** What people sign in with, where there is a sign-in: the link is {@link SIGN_IN_PATH}. */
      signIn: z.optional(z.string()),
    }),
  ),
});

export const SIGN_IN_PATH = '/sign-in';

export type PageToken = z.infer<typeof PageTokenSchema>;
export type You = z.infer<typeof YouSchema>;
export type IceServer = z.infer<typeof IceServerSchema>;
export type IceAnswer = z.infer<typeof IceAnswerSchema>;
export type FleetAnswer = z.infer<typeof FleetAnswerSchema>;
