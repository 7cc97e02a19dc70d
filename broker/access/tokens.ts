/**
 * Tokens: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256. What one is for is its audience (`aud`):
 *  - `invitation`: a link for a person; swapped once for a session;
 *  - `session`: in a browser's cookie;
 *  - `mqtt`: the password of an MQTT client, and the bearer token of a program that asks the web server;
 *  - `sign-in`: in the cookie of a browser that has gone to sign in elsewhere, see oidc.ts.
 * Only jose touches signatures; only this file names claims.
 */
import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod/mini';
import { ROLES } from '../../shared/roles.ts';
import { isRoomPattern } from '../../shared/room-pattern.ts';
import { aclClaim } from './acl.ts';
import { type Identity, MOST_ROOMS } from './identity.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'plntry';
/** Longer ones are not looked at, characters. An `acl` for so many rooms as a token may have is shorter. */
const LONGEST = 16 * 1024;

export const AUDIENCES = ['invitation', 'session', 'mqtt'] as const;
export type Audience = (typeof AUDIENCES)[number];

export interface Grant extends Identity {
  /** The token's own id. */
  id: string;
  /** Ids of those that it comes from: of a page's token its session and invitation. Who ends one of them ends it. */
  from: string[];
  /** When it was issued, and when it ends, seconds since the epoch. */
  issued: number;
  expires: number;
  /** When access ends for good, seconds since the epoch: tokens of a page are renewed until then. */
  until: number;
  /** Who a person is, for the log and for people. */
  name?: string | undefined;
  /** Of an invitation: how many browsers may use it. */
  uses?: number | undefined;
}

/** Of a sign-in that is under way: what its answer has to fit, and where the browser goes then. */
export interface Begun {
  state: string;
  nonce: string;
  verifier: string;
  /** A path of this site. */
  to: string;
}
/** How long somebody may take to sign in, seconds. */
export const BEGUN_S = 10 * 60;

export type Verdict = { ok: true; grant: Grant } | { ok: false; reason: string };

export interface Tokens {
  /** The token's text. */
  issue(audience: Audience, grant: Grant): Promise<string>;
  /** Never rejects; the reason is a clause that holds nothing of the token. */
  verify(text: string, audience: Audience): Promise<Verdict>;
  /** The text for a browser that signs in elsewhere. */
  begin(begun: Begun): Promise<string>;
  /** Null for what this server did not begin within {@link BEGUN_S}. Never rejects. */
  begun(text: string): Promise<Begun | null>;
}

const ClaimsSchema = z.object({
  sub: z.string().check(z.maxLength(32)),
  role: z.enum(ROLES),
  rooms: z.array(z.string().check(z.refine(isRoomPattern))).check(z.maxLength(MOST_ROOMS)),
  jti: z.string().check(z.maxLength(64)),
  iat: z.number(),
  exp: z.number(),
  from: z.optional(z.array(z.string().check(z.maxLength(64))).check(z.maxLength(4))),
  until: z.optional(z.number()),
  name: z.optional(z.string().check(z.maxLength(64))),
  uses: z.optional(z.int().check(z.positive())),
});

const BegunSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), to: z.string() });
const SIGN_IN = 'sign-in';

/** Hexadecimal: on a command line none is taken for an option. */
export const newId = (): string => randomBytes(8).toString('hex');

/** @param root the topic root, for the `acl` claim @param now seconds since the epoch */
export function createTokens(secret: Uint8Array, root: string, now: () => number): Tokens {
  const check = (text: string, audience: string, requiredClaims: string[]) =>
    jwtVerify(text, secret, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience,
      requiredClaims,
      currentDate: new Date(now() * 1_000),
    });

  return {
    issue(audience, { id, sub, role, rooms, from, issued, expires, until, name, uses }) {
      const acl = audience === 'mqtt' ? { acl: aclClaim({ sub, role, rooms }, root) } : {};
      // What is undefined is left out by JSON.
      return new SignJWT({ role, rooms, from, until, name, uses, ...acl })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setSubject(sub)
        .setJti(id)
        .setIssuedAt(issued)
        .setExpirationTime(expires)
        .sign(secret);
    },
    async verify(text, audience) {
      if (text.length > LONGEST) return { ok: false, reason: 'the token is too long' };
      try {
        const { payload } = await check(text, audience, ['sub', 'jti', 'iat', 'exp']);
        const claims = ClaimsSchema.safeParse(payload);
        if (!claims.success) return { ok: false, reason: 'the token lacks what plntry puts into it' };
        const { jti: id, iat: issued, exp: expires, from = [], until = expires, ...rest } = claims.data;
        return { ok: true, grant: { ...rest, id, from, issued, expires, until } };
      } catch (error) {
        return { ok: false, reason: reasonOf(error, audience) };
      }
    },
    begin: (begun) =>
      new SignJWT({ ...begun })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(SIGN_IN)
        .setExpirationTime(now() + BEGUN_S)
        .sign(secret),
    async begun(text) {
      const verified = await check(text, SIGN_IN, ['exp']).catch(() => null);
      return BegunSchema.safeParse(verified?.payload).data ?? null;
    },
  };
}

function reasonOf(error: unknown, audience: Audience): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the token was not made by this server';
  if (error instanceof errors.JOSEAlgNotAllowed) return `the token is not signed with ${ALGORITHM}`;
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return audience === 'mqtt' ? 'it is the token of a page, not of an MQTT client' : `it is no ${audience}`;
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's claim '${error.claim}' is wrong`;
  return 'it is no token';
}
