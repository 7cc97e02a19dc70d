/** Where a link may send somebody afterwards: to a page of this site, and nowhere else. Pure. */

/** Addresses of pages are much shorter, characters. */
const LONGEST = 512;
/** Nobody's (RFC 6761, 6.4). */
const SITE = 'http://site.invalid';

/**
 * Path and query of a page here; `/` for anything else. Browsers take `//host` and `/\host` for another host, and
 * leave out tabs and line ends before they look (WHATWG URL, 4.4).
 */
export function sitePath(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST) return '/';
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(wanted)) return '/';
  const { origin, pathname, search } = new URL(wanted, SITE);
  // `/.//host` is a path here, and without its dot no more.
  return origin === SITE && !pathname.startsWith('//') ? pathname + search : '/';
}
