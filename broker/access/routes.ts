/** What pages ask of access control: sessions for invitations, and tokens for the broker. */
import express, { type Request, type Response, Router } from 'express';
import { isKey } from '../../shared/keys.ts';
import type { Log } from '../../shared/log.ts';
import type { FleetAnswer, PageToken, You } from '../../shared/server-api.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Access } from './access.ts';
import { callerOf, SESSION_COOKIE, sessionOf } from './caller.ts';
import { clearCookie, setCookie } from './cookies.ts';
import { acceptInvitation, type PageToken as Issued, pageToken } from './sessions.ts';
import type { Grant } from './tokens.ts';

/** Largest body that is read; an invitation has some 500 bytes. */
const MOST_BODY = '16kb';

export interface AccessRoutesOptions {
  attempts: Attempts;
  /** Told once for each attempt that failed. */
  onRefused(request: Request, reason: string): void;
  log: Log;
}

/** Below `/api`. */
export function accessRoutes(access: Access, { attempts, onRefused, log }: AccessRoutesOptions): Router {
  const router = Router();
  router.use(express.json({ limit: MOST_BODY }));

  router.post('/session', async (request, response) => {
    const invitation: unknown = request.body?.invitation;
    const accepted =
      typeof invitation === 'string'
        ? await acceptInvitation(access, invitation)
        : { ok: false as const, reason: 'it has no text in its field invitation' };
    if (!accepted.ok) {
      onRefused(request, accepted.reason);
      const waitS = await attempts.failed(request.ip);
      if (waitS === null) response.status(401).json({ error: sentence(accepted.reason) });
      else
        response
          .status(429)
          .set('Retry-After', String(waitS))
          .json({ error: tooMany(waitS) });
      return;
    }
    const { sub: peer, role, rooms, from } = accepted.grant;
    log.info({ invitation: from[0], peer, role, rooms, remote: request.ip }, 'an invitation was used');
    beginSession(response, accepted.text, accepted.grant, access.now());
    response.json({ path: accepted.path, you: youOf(accepted.grant) });
  });

  router.delete('/session', async (request, response) => {
    const session = await sessionOf(access, request);
    // Also for who has kept a copy of the cookie.
    if (session) access.endings.end(session.id);
    clearCookie(response, SESSION_COOKIE);
    response.status(204).end();
  });

  router.post('/token', async (request, response) => {
    const session = await sessionOf(access, request);
    if (!session) {
      response.status(401).json({ error: 'Your access has ended.' });
      return;
    }
    const wanted: unknown = request.body?.peer;
    const issued = await pageToken(access, session, typeof wanted === 'string' ? wanted : undefined);
    const key: unknown = request.body?.key;
    if (issued.ok) response.json({ ...answerOf(issued.token, access), ...passOf(issued.token, key, access) });
    else response.status(403).json({ error: issued.reason });
  });

  /** For programs, whose tokens last; a pass does not, as a vehicle never hears that access was ended. */
  router.post('/pass', async (request, response) => {
    const caller = await callerOf(access, request);
    if (!caller) {
      response.set('WWW-Authenticate', 'Bearer');
      response.status(401).json({ error: 'Give a token: Authorization: Bearer <token>.' });
      return;
    }
    const expires = Math.min(caller.expires, access.now() + access.pageTokenS);
    const given = passOf({ peer: caller.sub, expires, grant: caller }, request.body?.key, access);
    if (given.pass) response.json({ ...given, expires });
    else
      response
        .status(403)
        .json({ error: 'A pass is for an operator, and for a public key in the field key.' });
  });
  return router;
}

export const tooMany = (waitS: number): string => `Too many attempts failed: try again in ${waitS} s.`;

export function beginSession(response: Response, text: string, grant: Grant, now: number): void {
  setCookie(response, SESSION_COOKIE, text, grant.until - now);
}

/** What `GET /api/fleet` says of access, with a first token for who has signed in. */
export async function accessAnswer(
  access: Access,
  request: Request,
  signIn: string | undefined,
): Promise<NonNullable<FleetAnswer['access']>> {
  const how = signIn === undefined ? {} : { signIn };
  const session = await sessionOf(access, request);
  if (!session) return { you: null, ...how };
  const issued = await pageToken(access, session);
  return { you: youOf(session), ...(issued.ok ? { token: answerOf(issued.token, access) } : {}), ...how };
}

const answerOf = ({ peer, token, expires }: Omit<PageToken, 'now'>, access: Access): PageToken => ({
  peer,
  token,
  expires,
  now: access.now(),
});

/** The fleet's word for an operator's key, for as long as its token; nothing for others. */
function passOf(
  { peer, expires, grant }: Omit<Issued, 'token'>,
  key: unknown,
  { passes }: Access,
): { pass?: string } {
  const { role, rooms } = grant;
  const drives = role === 'operator' || role === 'supervisor';
  if (!drives || typeof key !== 'string' || !isKey(key)) return {};
  return { pass: passes.issue({ peer, key, role, rooms, expires: expires * 1_000 }) };
}

const youOf = ({ role, rooms, until, name }: Grant): You => ({
  role,
  rooms,
  until,
  ...(name === undefined ? {} : { name }),
});

const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
