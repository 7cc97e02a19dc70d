/** Options of signing in with an OpenID provider. */
import { type Command, InvalidArgumentError } from 'commander';
import type { SignInOptions } from '../broker/access/oidc.ts';
import { type Mapping, parseMappings } from '../broker/access/oidc-roles.ts';
import { isLoopback } from '../broker/loopback.ts';
import { parseSpan } from './access-options.ts';
import type { Environment } from './data-folder.ts';
import { OptionError, option, parseName, variableOf } from './options.ts';

export const OIDC_SECRET = 'PLNTRY_OIDC_CLIENT_SECRET';

const DEFAULT_CLAIM = 'groups';
const DEFAULT_SESSION = '12h';

export interface OidcFlags {
  oidcIssuer?: string;
  oidcClientId?: string;
  oidcName?: string;
  oidcClaim?: string;
  oidcMap?: Mapping[];
  oidcScope?: string;
  oidcSession?: number;
  publicUrl?: string;
}

/** What only means something with an issuer. */
const DEPENDENT = {
  '--oidc-client-id': 'oidcClientId',
  '--oidc-name': 'oidcName',
  '--oidc-claim': 'oidcClaim',
  '--oidc-map': 'oidcMap',
  '--oidc-scope': 'oidcScope',
  '--oidc-session': 'oidcSession',
} as const;

/** The address is not repeated in what is wrong with it: it may hold a password. */
export function parseIssuer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url && !url.username && !url.password && !url.search && !url.hash;
  const safe =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')));
  if (plain && safe) return text;
  throw new OptionError(
    `option '--oidc-issuer' (environment ${variableOf('--oidc-issuer')}) is not an address such as https://id.example.org/realms/fleet; http is for this machine alone.`,
  );
}

export function parseClaim(text: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError(
    'A claim has 1 to 128 characters, and no spaces: groups, realm_access.roles.',
  );
}

/** RFC 6749, 3.3. */
export function parseScope(text: string): string {
  const names = text.trim().split(/ +/);
  if (!names.every((name) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name)))
    throw new InvalidArgumentError('Scopes have no quotes and backslashes, and spaces between them.');
  if (!names.includes('openid')) throw new InvalidArgumentError("'openid' has to be among the scopes.");
  return names.join(' ');
}

function parseMap(text: string): Mapping[] {
  try {
    return parseMappings(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

export function addOidcOptions(command: Command): Command {
  return command
    .addOption(
      option(
        '--oidc-issuer <url>',
        'let people sign in with this OpenID provider, see --oidc-map',
        parseIssuer,
      ),
    )
    .addOption(
      option(
        '--oidc-client-id <id>',
        `what this server is called there; a secret is read from ${OIDC_SECRET}`,
        (text) => text,
      ),
    )
    .addOption(
      option('--oidc-name <text>', 'what the button says; the host of the issuer unless given', parseName),
    )
    .addOption(
      option(
        '--oidc-claim <name>',
        'the claim that says what somebody may do, with dots for claims within claims',
        parseClaim,
      ).default(undefined, DEFAULT_CLAIM),
    )
    .addOption(
      option(
        '--oidc-map <mapping>',
        'which of its values gives which role and rooms, e.g. drivers=operator:car*,leads=supervisor:*',
        parseMap,
      ),
    )
    .addOption(
      option('--oidc-scope <names>', 'what the provider is asked for', parseScope).default(
        undefined,
        'openid profile, and groups where it has that',
      ),
    )
    .addOption(
      option('--oidc-session <time>', 'how long somebody is signed in, e.g. 8h', parseSpan).default(
        undefined,
        DEFAULT_SESSION,
      ),
    );
}

/**
 * @param guarded there is access control @param beyond the server can be reached from other machines
 * @throws OptionError when the options don't go together
 */
export function oidcOptions(
  flags: OidcFlags,
  { guarded, beyond }: { guarded: boolean; beyond: boolean },
  environment: Environment,
): SignInOptions | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcMap: mappings, publicUrl } = flags;
  const secret = environment[OIDC_SECRET] || undefined;
  if (issuer === undefined) {
    for (const [flag, name] of Object.entries(DEPENDENT))
      if (flags[name] !== undefined) throw new OptionError(`option '${flag}' needs '--oidc-issuer' too.`);
    if (secret) throw new OptionError(`${OIDC_SECRET} needs '--oidc-issuer' too.`);
    return undefined;
  }
  if (!clientId) throw new OptionError("option '--oidc-issuer' needs '--oidc-client-id' too.");
  if (!mappings)
    throw new OptionError(
      "option '--oidc-issuer' needs '--oidc-map' too: without it nobody may do anything.",
    );
  if (!guarded)
    throw new OptionError(
      "option '--oidc-issuer' needs access control: without '--access' anybody may come in unasked.",
    );
  if (beyond && publicUrl === undefined)
    throw new OptionError(
      "option '--oidc-issuer' needs '--public-url' too: that is where people come back to from signing in.",
    );
  return {
    issuer,
    clientId,
    secret,
    mappings,
    name: flags.oidcName ?? new URL(issuer).host,
    claim: flags.oidcClaim ?? DEFAULT_CLAIM,
    scope: flags.oidcScope,
    sessionS: flags.oidcSession ?? parseSpan(DEFAULT_SESSION),
  };
}
