/**
 * Passes: the fleet's word that a key is an operator's, for vehicles that trust no broker. A pass is a compact
 * JWS (RFC 7515) with EdDSA (RFC 8037) and a type of its own (RFC 8725 section 3.11), so that nothing else
 * that the fleet's key may sign is taken for one. It is no secret: who shows it proves to have its key.
 */
import * as z from 'zod/mini';
import { fromBase64url, toBase64url } from './base64url.ts';
import { isKey, MAX_PASS } from './keys.ts';
import { isRoomPattern } from './room-pattern.ts';
import { type Ed25519, signText, verifyText } from './signature.ts';
import { isId } from './topics.ts';

const MOST_ROOMS = 100;
const HEADER = { alg: 'EdDSA', typ: 'plntry-pass+jwt' } as const;

const HeaderSchema = z.object({
  alg: z.literal(HEADER.alg),
  typ: z.literal(HEADER.typ),
  /** Extensions that must be understood (RFC 7515 section 4.1.11): there is none. */
  crit: z.optional(z.never()),
});

const ClaimsSchema = z.object({
  /** The peer. */
  sub: z.string().check(z.refine(isId)),
  /** Its public key. */
  key: z.string().check(z.refine(isKey)),
  role: z.string(),
  /** Names and patterns; see room-pattern.ts. */
  rooms: z.array(z.string().check(z.refine(isRoomPattern))).check(z.maxLength(MOST_ROOMS)),
  /** When it ends, seconds since the epoch. */
  exp: z.number(),
});

export type Pass = z.infer<typeof ClaimsSchema>;

/** @param fleetKey the fleet's secret key */
export function issuePass(pass: Pass, fleetKey: string): string {
  const content = `${jsonToText(HEADER)}.${jsonToText(ClaimsSchema.parse(pass))}`;
  return `${content}.${signText(content, fleetKey)}`;
}

/** What a pass says, if it is one that the fleet has signed, expired or not. @param fleetKey its public key */
export function readPass(text: string, fleetKey: string, by?: Ed25519): Pass | null {
  const [header = '', claims = '', signature = '', ...more] = text.split('.');
  if (more.length > 0 || text.length > MAX_PASS) return null;
  if (!HeaderSchema.safeParse(textToJson(header)).success) return null;
  const pass = ClaimsSchema.safeParse(textToJson(claims));
  if (!pass.success || !verifyText(`${header}.${claims}`, signature, fleetKey, by)) return null;
  return pass.data;
}

const jsonToText = (value: unknown) => toBase64url(new TextEncoder().encode(JSON.stringify(value)));

function textToJson(text: string): unknown {
  const bytes = fromBase64url(text);
  try {
    return bytes && JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
