/** As much of a browser as a sign-in needs: cookies of each origin, and redirects one by one. */

export interface Arrived {
  /** Where it ended. */
  url: string;
  status: number;
  headers: Headers;
  text: string;
  /** Every address on the way, the last one too. */
  visited: string[];
}

const MOST_REDIRECTS = 10;

export function httpBrowser() {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string): Map<string, string> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = jarOf(url);
    const headers = new Headers(init.headers);
    headers.set('Cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /Max-Age=0/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** @param stop an address that is not asked for any more */
  async function open(
    start: string,
    init: RequestInit = {},
    stop?: (url: string) => boolean,
  ): Promise<Arrived> {
    const visited = [start];
    let response = await request(start, init);
    for (;;) {
      const url = visited.at(-1) as string;
      const location = response.headers.get('location');
      const next = location === null ? null : new URL(location, url).href;
      if (next) visited.push(next);
      if (next === null || stop?.(next) || visited.length > MOST_REDIRECTS) {
        const { status, headers } = response;
        return { url: next ?? url, status, headers, text: await response.text(), visited };
      }
      await response.body?.cancel();
      response = await request(next, { headers: init.headers ?? {} });
    }
  }

  return {
    request,
    open,
    jarOf,
    submit: (url: string, fields: Record<string, string>, stop?: (url: string) => boolean) =>
      open(url, { method: 'POST', body: new URLSearchParams(fields) }, stop),
  };
}
