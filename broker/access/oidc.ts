/**
 * Signing in with an OpenID provider: `GET /sign-in?to=<path>` sends the browser there, `GET /sign-in/callback`
 * is where it comes back to. What belongs together is kept in a cookie of the browser that began, signed by this
 * server, and nothing in the server: nobody fills its memory by beginning.
 */
import { createHash } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import type { Clock } from '../../shared/clock.ts';
import { SIGN_IN_PATH } from '../../shared/server-api.ts';
import { isLoopback } from '../loopback.ts';
import type { Access } from './access.ts';
import { clearCookie, readCookie, setCookie } from './cookies.ts';
import { findProvider, type Problem, type ProviderOptions } from './oidc-provider.ts';
import {
  accessOf,
  type Claims,
  LONGEST_NAME,
  type Mapping,
  nameOf,
  plainText,
  valuesOf,
} from './oidc-roles.ts';
import { sendProblem } from './problem-page.ts';
import { type AccessRoutesOptions, beginSession, tooMany } from './routes.ts';
import { newSession } from './sessions.ts';
import { sitePath } from './site-path.ts';
import { BEGUN_S } from './tokens.ts';

const COOKIE = 'sign-in';
const CALLBACK = '/callback';

export interface SignInOptions extends ProviderOptions {
  /** What the values of the claim give. */
  mappings: Mapping[];
  /** How long somebody is signed in, seconds. */
  sessionS: number;
}

export interface SignIn {
  /** What people sign in with. */
  name: string;
  /** Below {@link SIGN_IN_PATH}. */
  router: Router;
  close(): void;
}

interface SignInParts extends AccessRoutesOptions {
  access: Access;
  /** Where people reach the pages. Not asked before the server listens. */
  base(): string;
  clock: Clock;
}

export function createSignIn(options: SignInOptions, parts: SignInParts): SignIn {
  const { name: by, claim, mappings, sessionS } = options;
  const { access, attempts, onRefused, base, clock, log } = parts;
  const provider = findProvider(options, clock, log);
  const router = Router();
  const redirectUri = () => `${base()}${SIGN_IN_PATH}${CALLBACK}`;

  function refuse(
    request: Request,
    response: Response,
    { status, sentence, reason, title, asSomebodyElse }: Problem,
    to = '/',
  ): void {
    onRefused(request, reason);
    // Who was refused as one person can come back as another; the provider would not ask by itself.
    const anew = `${SIGN_IN_PATH}?${new URLSearchParams({ to, ...(asSomebodyElse ? { again: '1' } : {}) })}`;
    const text = asSomebodyElse ? 'Sign in as somebody else' : 'Sign in again';
    sendProblem(response, status, sentence, { [text]: anew, 'To the fleet': '/' }, title);
  }

  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });

  router.get('/', async (request, response) => {
    const to = sitePath(request.query.to);
    const elsewhere = otherLoopbackName(request.headers.host, base());
    if (elsewhere) return response.redirect(`${base()}${SIGN_IN_PATH}?${new URLSearchParams({ to })}`);
    const begun = await provider.begin(redirectUri(), request.query.again === '1');
    if (!begun) {
      const sentence = `${by} can't be reached to sign in with: try again in a while.`;
      response.set('Retry-After', '5');
      return sendProblem(response, 503, sentence, { 'Try again': request.originalUrl, 'To the fleet': '/' });
    }
    // Lax: the browser comes back from another site.
    setCookie(response, COOKIE, await access.tokens.begin({ ...begun.kept, to }), BEGUN_S, 'lax');
    response.redirect(begun.url.href);
  });

  router.get(CALLBACK, async (request, response) => {
    const held = (waitS: number) => {
      response.set('Retry-After', String(waitS));
      return sendProblem(response, 429, tooMany(waitS), {});
    };
    const answer = new URL(redirectUri());
    answer.search = new URL(request.originalUrl.replace(/^[^?]*/, ''), answer).search;
    const begun = await access.tokens.begun(readCookie(request, COOKIE) ?? '');
    const problem = begun ? answerProblem(answer.searchParams, begun.state) : NOT_BEGUN;
    if (!begun || problem) {
      const waitS = await attempts.failed(request.ip);
      return waitS === null ? refuse(request, response, problem ?? NOT_BEGUN) : held(waitS);
    }
    // The provider is not bothered with the guesses of who has had too many.
    const waitS = await attempts.waitOf(request.ip, 'code');
    if (waitS !== null) return held(waitS);
    // Whatever comes of it, this was its only use.
    clearCookie(response, COOKIE);
    const found = await provider.finish(answer, begun);
    if (!found.ok) {
      // Who cancels does nothing wrong, nor who finds the provider in trouble.
      if (found.problem.status === 400) await attempts.failed(request.ip, 'code');
      return refuse(request, response, found.problem, begun.to);
    }
    const { claims } = found;
    const id = personId(claims);
    const name = nameOf(claims);
    const called = name ?? plainText(claims.sub, LONGEST_NAME);
    if (access.endings.has({ id, from: [], sub: '', issued: access.now() }))
      return refuse(request, response, shutOut(called, id), begun.to);
    const given = accessOf(valuesOf(claims, claim), mappings);
    if (!given) return refuse(request, response, nothingYours(called, id, claim), begun.to);
    const until = access.now() + sessionS;
    const { text, grant } = await newSession(access, { ...given, until, from: id, name });
    access.issuer.signedIn(id, grant);
    access.issuer.session(grant, id);
    log.info({ person: id, name, peer: grant.sub, ...given }, 'signed in');
    beginSession(response, text, grant, access.now());
    response.redirect(base() + begun.to);
  });

  return { name: by, router, close: provider.close };
}

const NOT_BEGUN: Problem = {
  status: 400,
  sentence: `This sign-in was not begun in this browser, or was used already, or took over ${BEGUN_S / 60} minutes: sign in again.`,
  reason: 'the browser has begun no sign-in',
};

/** Before anybody is asked about it. */
function answerProblem(query: URLSearchParams, state: string): Problem | null {
  const [states, codes, errors] = ['state', 'code', 'error'].map((field) => query.getAll(field));
  if (states?.length !== 1 || states[0] !== state)
    return {
      status: 400,
      sentence:
        'This answer belongs to another sign-in than the last that was begun in this browser: sign in again.',
      reason: 'the state is not that of the sign-in',
    };
  if ((codes?.length ?? 0) + (errors?.length ?? 0) === 1) return null;
  const reason = 'there is not one code or error in the answer';
  return { status: 400, sentence: 'This is no answer to a sign-in: sign in again.', reason };
}

const nothingYours = (called: string, id: string, claim: string): Problem => ({
  status: 403,
  sentence: `You have signed in as ${called}, but nothing here is yours: whoever runs this fleet can give you a role by your '${claim}'.`,
  reason: `nothing in the claim '${claim}' of ${id} gives a role`,
  title: 'You have no role here',
  asSomebodyElse: true,
});

const shutOut = (called: string, id: string): Problem => ({
  status: 403,
  sentence: `You have signed in as ${called}, whose access was ended: ask whoever runs this fleet.`,
  reason: `the access of ${id} was ended`,
  title: 'Your access was ended',
  asSomebodyElse: true,
});

/** The same at every sign-in of a person (Core, 5.7), and nothing that tells who it is. */
function personId({ iss, sub }: Claims & { iss: string; sub: string }): string {
  return `oidc-${createHash('sha256')
    .update(JSON.stringify([iss, sub]))
    .digest('base64url')
    .slice(0, 22)}`;
}

/** This machine has several names, and a cookie of one is not sent to another. */
function otherLoopbackName(host: string | undefined, base: string): boolean {
  const wanted = new URL(base);
  if (!host || host === wanted.host || !isLoopback(wanted.hostname)) return false;
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
  return url !== null && isLoopback(url.hostname.replace(/^\[|\]$/g, '')) && url.port === wanted.port;
}
