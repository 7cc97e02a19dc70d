/** The cookies of access control: read from a request, written to an answer (RFC 6265). */
import type { CookieOptions, Request, Response } from 'express';

/** With the prefix browsers take it over TLS alone, for this host alone, and let no page of a sister host set it. */
const name = (what: string, secure: boolean): string => `${secure ? '__Host-' : ''}plntry-${what}`;

export function readCookie(request: Request, what: string): string | null {
  const wanted = name(what, request.secure);
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key = '', ...value] = pair.trim().split('=');
    if (key === wanted) return value.join('=');
  }
  return null;
}

/** @param forS how long it is kept, seconds @param sameSite lax for what has to come along from a sign-in elsewhere */
export function setCookie(
  response: Response,
  what: string,
  value: string,
  forS: number,
  sameSite: CookieOptions['sameSite'] = 'strict',
): void {
  const { secure } = response.req;
  response.cookie(name(what, secure), value, {
    httpOnly: true,
    sameSite,
    secure,
    path: '/',
    maxAge: forS * 1_000,
    // Tokens have no characters that a cookie can't have.
    encode: (text) => text,
  });
}

export function clearCookie(response: Response, what: string): void {
  setCookie(response, what, '', 0);
}
