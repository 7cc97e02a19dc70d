/**
 * Which names this server answers to, and pages of which sites may use it. Two attacks are meant: a page of
 * another site that opens a WebSocket to us with the cookie of whoever looks at it (CSWSH), and one that has its own name
 * point at 127.0.0.1 (DNS rebinding), so that browsers take us for its own server.
 */
import type { IncomingMessage } from 'node:http';
import type { Forwarded } from './forwarded.ts';
import type { SaidOnce } from './limits/said-once.ts';
import { isLoopback } from './loopback.ts';

export interface Site {
  /** `https://fleet.example.org`, as people reach it. */
  publicUrl?: string | undefined;
  /** Origins of pages elsewhere that may use it. */
  allowOrigins?: string[] | undefined;
  /** It listens for this machine only. */
  loopbackOnly: boolean;
}

export interface Refusal {
  status: number;
  phrase: string;
  /** One sentence or two, for whoever has to put it right. */
  text: string;
}

/** Null when it is answered. */
export type Refuse = (request: IncomingMessage) => Refusal | null;

/** Methods that change nothing (RFC 9110, 9.2.1), and that other sites may therefore use. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
/** Where answers hold credentials, of the broker or of TURN servers: not for other sites, whatever the method. */
const CREDENTIALS = /^\/api\//i;
/** What a browser says of the page that asks (Fetch Metadata): one of ours, or no page but the person itself. */
const OWN_SITES = ['same-origin', 'none'];
/** Of names that others have chosen so much is repeated, characters. */
const MOST_SHOWN = 80;

export function createSiteRules(site: Site, forwarded: Forwarded, sayOnce: SaidOnce['say']) {
  const { publicUrl, allowOrigins = [], loopbackOnly } = site;
  const own = publicUrl === undefined ? null : new URL(publicUrl);
  const allowed = new Set(allowOrigins.map((origin) => new URL(origin).origin));
  if (own) allowed.add(own.origin);

  /** HTTP/1.0 without a Host comes from no browser. */
  function host(request: IncomingMessage): Refusal | null {
    const { host: named } = request.headers;
    if (!loopbackOnly || named === undefined) return null;
    const url = urlOf(`http://${named}`);
    if (url && (isLoopback(url.hostname) || url.hostname === own?.hostname)) return null;
    if (forwarded.isProxied(request)) return null;
    return {
      status: 421,
      phrase: 'Misdirected Request',
      text: `This server listens for its own machine only, and '${shown(named)}' is not a name of that. Behind a proxy it needs --public-url, or --trust-proxy.`,
    };
  }

  /** Programs that are no browser say neither whose page asks nor from which site it is. */
  function origin(request: IncomingMessage): Refusal | null {
    const { origin: from, host: named, 'sec-fetch-site': where } = request.headers;
    if (from === undefined) return where === undefined ? null : fetchSite(String(where));
    const url = urlOf(from);
    if (url && allowed.has(url.origin)) return null;
    const secure = forwarded.isSecure(request);
    const sameScheme = secure === null || secure === (url?.protocol === 'https:');
    if (url && named && sameScheme && urlOf(`${url.protocol}//${named}`)?.host === url.host) return null;
    return {
      status: 403,
      phrase: 'Forbidden',
      text: `Pages of '${shown(from)}' may not use this server. If they are its own, behind a proxy, it needs --public-url; otherwise --allow-origin.`,
    };
  }

  /** Not every request of another site's page has an Origin, and a sister site's page is another's too. */
  function fetchSite(where: string): Refusal | null {
    if (OWN_SITES.includes(where)) return null;
    return {
      status: 403,
      phrase: 'Forbidden',
      text: `This is for this server’s own pages, and the browser says that a page of another site asks (Sec-Fetch-Site: ${shown(where)}).`,
    };
  }

  /** A browser that was led here by others sends the same all day. */
  const say =
    (refuse: Refuse): Refuse =>
    (request) => {
      const refusal = refuse(request);
      if (refusal) {
        const remote = forwarded.addressOf(request);
        const { status, text: reason } = refusal;
        sayOnce(`request ${status} ${remote}`, { remote, reason }, 'request refused');
      }
      return refusal;
    };

  return {
    /** For a request of the web server. */
    request: say((request) => {
      const isOpen = SAFE_METHODS.includes(request.method ?? '') && !CREDENTIALS.test(request.url ?? '');
      return host(request) ?? (isOpen ? null : origin(request));
    }),
    /** For a WebSocket: browsers let any page open one to anywhere. */
    upgrade: say((request) => host(request) ?? origin(request)),
  };
}

const urlOf = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

const shown = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, MOST_SHOWN);
