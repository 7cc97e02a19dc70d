/** Who asks the web server: by the cookie of a session, or by a token as a program has it (RFC 6750). */
import type { Request, RequestHandler } from 'express';
import type { Role } from '../../shared/roles.ts';
import type { Access } from './access.ts';
import { readCookie } from './cookies.ts';
import type { Grant } from './tokens.ts';

export const SESSION_COOKIE = 'session';

/** Null for nobody who may be here. */
export async function sessionOf(access: Access, request: Request): Promise<Grant | null> {
  const cookie = readCookie(request, SESSION_COOKIE);
  const verdict = cookie === null ? null : await access.verify(cookie, 'session');
  return verdict?.ok ? verdict.grant : null;
}

/** Null for nobody who may be here. */
export async function callerOf(access: Access, request: Request): Promise<Grant | null> {
  const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer') return sessionOf(access, request);
  const verdict = await access.verify(token, 'mqtt');
  return verdict.ok ? verdict.grant : null;
}

/**
 * Lets pass who has one of the roles; without access control everybody.
 * @param roles any, unless given
 */
export function demand(access: Access | null, ...roles: Role[]): RequestHandler {
  return async (request, response, next) => {
    if (!access) return next();
    const caller = await callerOf(access, request);
    if (caller && (roles.length === 0 || roles.includes(caller.role))) return next();
    response.set('Cache-Control', 'no-store');
    if (caller) {
      response
        .status(403)
        .json({ error: `This is not for ${caller.role}s, but for ${roles.join('s and ')}s.` });
    } else {
      response.set('WWW-Authenticate', 'Bearer');
      response.status(401).json({ error: 'Sign in first, or give a token: Authorization: Bearer <token>.' });
    }
  };
}
