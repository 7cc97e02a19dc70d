/**
 * Where a page connects to.
 * @param url a ws(s) URL, or a path on the server that this page came from
 */
export function brokerUrl(url: string, page: { protocol: string; host: string }): string {
  if (!url.startsWith('/')) return url;
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}${url}`;
}

/** An id for one run of a page: new each time, so that nobody can have been there under it before. */
export function randomId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return `${prefix}-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
