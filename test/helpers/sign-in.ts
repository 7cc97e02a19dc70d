/** A real OpenID provider, a server that signs people in with it, and what a browser does on the way. */
import type { SignInOptions } from '../../broker/access/oidc.ts';
import { guardedServer } from './access.ts';
import { httpBrowser } from './http-browser.ts';
import { type OpenIdProviderOptions, openIdProvider, signInWith } from './openid-provider.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test looks at what it wants of an answer
export type Json = any;
export type Server = Awaited<ReturnType<typeof serverOf>>;
export type Browser = ReturnType<typeof httpBrowser>;

export const ACCOUNTS = {
  ann: { name: 'Ann Lee', groups: ['drivers', 'night-shift', 'staff'] },
  ben: { name: 'Ben', groups: ['drivers', 'leads'] },
  cay: { name: 'Cay <b>', groups: ['staff'] },
  dan: { groups: 'drivers' },
};
const MAP = 'drivers=operator:car*,night-shift=operator:van-7,leads=supervisor:*';

type ServerOptions = Parameters<typeof guardedServer>[0];

export const serverOf = (issuer: string, more: Partial<SignInOptions> = {}, options: ServerOptions = {}) =>
  guardedServer({ ...options, signIn: signInWith(issuer, MAP, more) });

export const ready = ({ logged }: Server) => logged(({ message }) => message === 'sign-in is ready');
export const refused = ({ entries }: Server) =>
  entries.filter(({ message }) => message === 'sign-in refused');
export const isCallback = (url: string) => url.includes('/sign-in/callback?');

/** A provider, a server that knows it, and a browser in which nobody has signed in. */
export async function all(
  more: Partial<OpenIdProviderOptions> = {},
  signIn: Partial<SignInOptions> = {},
  options: ServerOptions = {},
) {
  const provider = await openIdProvider({ accounts: ACCOUNTS, ...more });
  const server = await serverOf(provider.issuer, signIn, options);
  await ready(server);
  return { provider, server, browser: httpBrowser() };
}

/** As far as the provider's question. */
export const begin = (browser: Browser, { webUrl }: Server, to = '/rooms/car1') =>
  browser.open(`${webUrl}/sign-in?to=${encodeURIComponent(to)}`);

export async function signIn(browser: Browser, server: Server, account: string, to?: string) {
  const question = await begin(browser, server, to);
  return browser.submit(question.url, { account });
}

/** The address that the provider sends the browser back to, not opened yet. */
export async function callbackFor(
  browser: Browser,
  server: Server,
  account = 'ann',
  to?: string,
): Promise<URL> {
  const question = await begin(browser, server, to);
  return new URL((await browser.submit(question.url, { account }, isCallback)).url);
}

export const fleet = async (browser: Browser, { webUrl }: Server): Promise<Json> =>
  (await browser.request(`${webUrl}/api/fleet`)).json();
