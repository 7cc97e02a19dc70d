/** The web server: paths out of its folder, headers and hosts that lie, requests in requests. */
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { dial, inParallel, range } from '../wire/raw.ts';

const PATHS = [
  '/../../../../etc/passwd',
  '/..%2f..%2f..%2f..%2fetc/passwd',
  '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/assets/../../../../package.json',
  '/assets/..%5c..%5c..%5cpackage.json',
  '/assets/%2e%2e%2f%2e%2e%2fpackage.json',
  '/assets/....//....//package.json',
  '/..\\..\\..\\etc\\passwd',
  '/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd',
  '/%252e%252e/%252e%252e/etc/passwd',
  '/index.html%00.js',
  '/assets/%00/etc/passwd',
  '/.plntry-build',
  '/.git/config',
  '/.env',
  '/rooms/..%2f..%2fetc%2fpasswd',
  '/vehicle/%2e%2e',
  '//etc/passwd',
  '/%',
  `/${'a'.repeat(8_000)}`,
  'http://evil.example/etc/passwd',
  '*',
  '/api/../../package.json',
  '/node_modules/jose/package.json',
  '/broker/serve.ts',
];
/** What is in those files and nowhere else. */
const STOLEN = /root:x:0|"dependencies"|\[core\]|import \{|PLNTRY_ACCESS_SECRET/;

/** A request to a route that holds something back, and how it is asked for. */
const LIES: { head: string; body?: string }[] = [
  { head: 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\n' },
  { head: 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Original-URL: /healthz\r\n' },
  { head: 'GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \r\n' },
  { head: 'GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bW9uaXRvcjptb25pdG9y\r\n' },
  {
    head: 'GET /metrics HTTP/1.1\r\nHost: x\r\nCookie: plntry-session=admin; __Host-plntry-session=admin\r\n',
  },
  { head: 'GET /metrics HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: OPTIONS\r\n' },
  { head: 'GET //metrics HTTP/1.1\r\nHost: x\r\n' },
  { head: 'GET /metrics/ HTTP/1.1\r\nHost: x\r\n' },
  { head: 'GET /METRICS HTTP/1.1\r\nHost: x\r\n' },
  { head: 'GET /healthz/../metrics HTTP/1.1\r\nHost: x\r\n' },
  { head: 'GET /api/ice?peer=car1 HTTP/1.1\r\nHost: x\r\n' },
  { head: 'GET /api/ice?peer[]=car1&peer=car2 HTTP/1.1\r\nHost: x\r\n' },
  { head: 'TRACE /metrics HTTP/1.1\r\nHost: x\r\nCookie: plntry-session=mine\r\n' },
  { head: 'CONNECT 127.0.0.1:1883 HTTP/1.1\r\nHost: x\r\n' },
  {
    head: 'POST /api/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n',
    body: '{"peer":"car1"}',
  },
  {
    head: 'POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n',
    body: '{"__proto__":{"invitation":"x"},"invitation":{"length":1}}',
  },
  {
    head: 'POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n',
    body: '[[['.repeat(3_000),
  },
  {
    head: 'POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n',
    body: 'x'.repeat(60_000),
  },
];
/** What those routes give to who may have it. */
const GIVEN = /process_cpu|"iceServers"|"token":|plntry-session=mine/;

/** Requests that a proxy and a server could read differently, or that are none. */
const BROKEN = [
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nA\0B: y\r\n\r\n',
  'GET / HTTP/1.1\nHost: x\n\n',
  'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
  'GET /\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(5_000)}\r\n`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x10\x10\x00\x04MQTT\x04\x02\x00\x0a\x00\x04car1',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\0'.repeat(1_000),
];

/** Everything that the server answers to some bytes. Where they name the host `x`, they mean it. */
async function answerTo(target: Target, text: string): Promise<string> {
  const raw = await dial(target, 'web');
  const host = `Host: ${new URL(target.webUrl).host}\r\n`;
  raw.socket.write(Buffer.from(text.replaceAll('Host: x\r\n', host), 'latin1'));
  // A server that waits for more of the request is not waited for.
  raw.socket.end();
  return (await raw.closed).toString('latin1');
}

const close = 'Connection: close\r\n';
/** Requests on one connection at once. */
const AHEAD = 200;

export const HTTP: Attack[] = [
  {
    name: 'HTTP paths out of the folder of pages',
    tries: { full: 1_000, test: 50 },
    async run(target, tries) {
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const path = PATHS[index % PATHS.length];
        const answer = await answerTo(target, `GET ${path} HTTP/1.1\r\nHost: x\r\n${close}\r\n`);
        if (STOLEN.test(answer)) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [],
  },
  {
    name: 'HTTP headers that lie, without a session',
    tries: { full: 1_080, test: 54 },
    async run(target, tries) {
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const { head, body = '' } = LIES[index % LIES.length] as (typeof LIES)[number];
        const length = body ? `Content-Length: ${body.length}\r\n` : '';
        const answer = await answerTo(target, `${head}${close}${length}\r\n${body}`);
        if (GIVEN.test(answer)) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^sign-in refused: /, offenders: 3 }],
  },
  {
    name: 'HTTP requests in requests, and such as are none',
    tries: { full: 1_080, test: 54 },
    async run(target, tries) {
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const answer = await answerTo(target, BROKEN[index % BROKEN.length] as string);
        if (GIVEN.test(answer)) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [],
  },
  {
    name: 'HTTP requests sent ahead of their answers',
    tries: { full: 100, test: 20 },
    async run(target, tries) {
      let gotIn = 0;
      await inParallel(range(tries), 8, async () => {
        const answer = await answerTo(target, 'GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(AHEAD));
        if (answer.split('HTTP/1.1 200').length - 1 > 1) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^HTTP requests ahead of an answer refused/ }],
  },
  {
    name: 'HTTP hosts that are somebody else’s',
    tries: { full: 600, test: 40 },
    async run(target, tries) {
      const hosts = ['evil.example', 'evil.example; script-src *', "x' 'unsafe-inline", '[::1]:80', 'a b'];
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const host = hosts[index % hosts.length] as string;
        const answer = await answerTo(
          target,
          `GET /rooms/car1 HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: ${host}\r\n${close}\r\n`,
        );
        const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
        const policy = /^content-security-policy: (.*)$/im.exec(head)?.[1] ?? '';
        // Where scripts come from must not be for the asker to say, nor where a page sends people.
        const scripts = policy.split(';').filter((part) => /^ *(script|default)-src/.test(part));
        const isMine = scripts.some((part) => !/'self'|'none'/.test(part) || /evil|\*|unsafe/.test(part));
        const isPage = /^content-type: text\/html/im.test(head);
        if (isMine || (isPage && /evil/i.test(body)) || /^location:.*evil/im.test(head)) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^request refused: .* is not a name of that/ }],
  },
];
