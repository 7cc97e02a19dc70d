/** Options of access control: who may come in, and for how long. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AccessOptions } from '../broker/access/access.ts';
import { parseSecret } from '../broker/access/secret.ts';
import { ROLES, type Role } from '../shared/roles.ts';
import { isRoomPattern } from '../shared/room-pattern.ts';
import { type Environment, stateFolder } from './data-folder.ts';
import { OptionError, option, variableOf } from './options.ts';

/** The secret may be given, to share it with another broker; it is made otherwise. */
export const ACCESS_SECRET = 'PLNTRY_ACCESS_SECRET';
/** What a vehicle or a program logs in with. */
export const TOKEN = 'PLNTRY_TOKEN';

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LONGEST_S = 3_660 * 86_400;

export interface AccessFlags {
  access?: boolean;
  insecure?: boolean;
}

/** A span of time such as `8h`, `30m` or `7d`, in seconds. */
export function parseSpan(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6}) ?([smhd])$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds <= LONGEST_S) return seconds;
  throw new InvalidArgumentError(
    `'${text}' is not a span of time such as 30m, 8h or 7d, of ten years at most.`,
  );
}

export function parseRoomPattern(text: string): string {
  if (isRoomPattern(text)) return text;
  throw new InvalidArgumentError(
    `'${text}' is neither a room nor a pattern: 1 to 32 of a-z, 0-9, '-' and '*', and no '-' first.`,
  );
}

export const roleOption = (fallback: Role, roles: readonly Role[] = ROLES): Option =>
  new Option('--role <role>', 'what the holder may do').choices(roles).default(fallback);

export const forOption = (fallback: string): Option =>
  new Option('--for <time>', 'for how long, e.g. 30m, 8h or 7d')
    .argParser(parseSpan)
    .default(parseSpan(fallback), fallback);

export const dataOption = (what = 'the data folder of the server'): Option =>
  option('--data <folder>', what, (text) => text).default(undefined, '~/.local/state/plntry');

export function addAccessOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--access', 'let in only who has a token; the rule unless --host is this machine alone').env(
        'PLNTRY_ACCESS',
      ),
    )
    .addOption(
      new Option('--insecure', 'let in anybody, also beyond this machine: whoever reaches it can drive').env(
        'PLNTRY_INSECURE',
      ),
    );
}

/** @param beyond the server can be reached from other machines @throws OptionError when the options don't go together */
export function accessOptions(
  { access, insecure }: AccessFlags,
  beyond: boolean,
  data: string | undefined,
  environment: Environment,
): Omit<AccessOptions, 'root'> | undefined {
  if (access && insecure) throw new OptionError("options '--access' and '--insecure' can't both be given.");
  if (insecure || !(access || beyond)) return undefined;
  return { data: data ?? stateFolder(environment), secret: givenSecret(environment) };
}

/** @throws OptionError when it is none */
export function givenSecret(environment: Environment): Uint8Array | undefined {
  const text = environment[ACCESS_SECRET];
  if (!text) return undefined;
  const secret = parseSecret(text);
  if (secret) return secret;
  throw new OptionError(
    `${ACCESS_SECRET} is not base64 of at least 32 bytes; 'openssl rand -base64 32' makes one.`,
  );
}

export const tokenFileOption = (): Option =>
  option(
    '--token-file <file>',
    `file with the token to log in with; also read from ${TOKEN}`,
    (text) => text,
  );

/** @throws OptionError when the file can't be read */
export function tokenOf(
  { tokenFile }: { tokenFile?: string | undefined },
  environment: Environment,
): string | undefined {
  if (tokenFile === undefined) return environment[TOKEN] || undefined;
  try {
    return readFileSync(tokenFile, 'utf8').trim();
  } catch (error) {
    throw new OptionError(
      `option '--token-file': the file '${tokenFile}' can't be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
}

/** Where the pages are for people, without a path: links begin with it. */
export const publicUrlOption = (): Option =>
  option('--public-url <url>', 'the address that people reach the pages at', parsePublicUrl);

export function parsePublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url &&
    ['http:', 'https:'].includes(url.protocol) &&
    !url.username &&
    url.pathname === '/' &&
    !url.search
  )
    return url.origin;
  throw new OptionError(
    `option '--public-url' (environment ${variableOf('--public-url')}) is not an address such as https://fleet.example.org, without a path.`,
  );
}

/** How to end what was given, with the options that it was given with. @param what an id */
export const revokeLine = (what: string, data: string | undefined): string =>
  `plntry revoke ${what}${data === undefined ? '' : ` --data ${quoted(data)}`}`;

const quoted = (text: string): string =>
  /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** In the reader's own time. @param seconds since the epoch */
export const momentOf = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

/** The address of an invitation. What follows # stays in the browser: no server and no log sees it. */
export const invitationLink = (base: string, token: string): string => `${base}/join#${token}`;
