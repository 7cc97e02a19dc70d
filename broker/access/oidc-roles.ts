/** What somebody who has signed in elsewhere may do here: from the claims about them to a role and rooms. Pure. */
import { isRoomPattern } from '../../shared/room-pattern.ts';
import { MOST_ROOMS } from './identity.ts';

/** Roles that people sign in for, the highest first. Vehicles and monitors are programs: they have tokens. */
export const SIGN_IN_ROLES = ['supervisor', 'operator'] as const;
export type SignInRole = (typeof SIGN_IN_ROLES)[number];

/** Who has this value in the claim has this role in these rooms. */
export interface Mapping {
  value: string;
  role: SignInRole;
  room: string;
}

/** As verified by the provider's signature. */
export type Claims = Record<string, unknown>;

/** Of a name that is shown, characters. */
export const LONGEST_NAME = 64;

/**
 * `drivers=operator:car*,leads=supervisor:*`. A value may come again, for more rooms. A comma that belongs to a
 * value has a backslash before it: `CN=drivers\,OU=fleet=operator:*`.
 * @throws Error of one sentence
 */
export function parseMappings(text: string): Mapping[] {
  const mappings = text.split(/(?<!\\),/).map(parseMapping);
  for (const role of SIGN_IN_ROLES) {
    if (roomsOf(mappings, role).length > MOST_ROOMS)
      throw new Error(`It has more than ${MOST_ROOMS} rooms and patterns for ${role}s; patterns need fewer.`);
  }
  return mappings;
}

function parseMapping(entry: string): Mapping {
  const [, value = '', role = '', room = ''] = /^\s*(.+)=([a-z]+):(\S+?)\s*$/.exec(entry) ?? [];
  if (value === '')
    throw new Error(`'${entry.trim()}' is not of the form value=role:room, such as drivers=operator:car*.`);
  if (role === 'vehicle' || role === 'monitor')
    throw new Error(`A ${role} is a program and does not sign in: give it a token ('plntry token').`);
  const known = SIGN_IN_ROLES.find((one) => one === role);
  if (!known) throw new Error(`'${role}' is not a role to sign in for: operator or supervisor.`);
  if (!isRoomPattern(room))
    throw new Error(
      `'${room}' is neither a room nor a pattern: 1 to 32 of a-z, 0-9, '-' and '*', and no '-' first.`,
    );
  return { value: value.replaceAll('\\,', ','), role: known, room };
}

/**
 * @param path names of claims within claims, such as `groups` or `realm_access.roles`; a claim whose own name has
 * dots, such as `https://example.org/roles`, goes before
 * @returns nothing unless the claim is a text or a list; of a list its texts
 */
export function valuesOf(claims: Claims, path: string): string[] {
  const found = Object.hasOwn(claims, path) ? claims[path] : path.split('.').reduce<unknown>(inside, claims);
  return (Array.isArray(found) ? found : [found]).filter((value) => typeof value === 'string');
}

const inside = (claims: unknown, name: string): unknown =>
  typeof claims === 'object' && claims !== null && Object.hasOwn(claims, name)
    ? (claims as Claims)[name]
    : undefined;

/**
 * The highest role of those that the values give, in the rooms that they give for that role: who is a supervisor
 * of some rooms and an operator of others is a supervisor of the former alone.
 * @returns null when they give none
 */
export function accessOf(
  values: string[],
  mappings: Mapping[],
): { role: SignInRole; rooms: string[] } | null {
  const theirs = mappings.filter(({ value }) => values.includes(value));
  const role = SIGN_IN_ROLES.find((one) => theirs.some((mapping) => mapping.role === one));
  return role ? { role, rooms: roomsOf(theirs, role) } : null;
}

const roomsOf = (mappings: Mapping[], role: SignInRole): string[] => [
  ...new Set(mappings.filter((mapping) => mapping.role === role).map(({ room }) => room)),
];

/** What somebody is called (OpenID Connect Core, 5.1); undefined when the claims don't say. */
export function nameOf(claims: Claims): string | undefined {
  for (const claim of ['name', 'preferred_username', 'email']) {
    const value = claims[claim];
    const name = typeof value === 'string' ? plainText(value, LONGEST_NAME) : '';
    if (name !== '') return name;
  }
  return undefined;
}

/** Without what is not seen: control characters, and those that turn the direction of writing around. */
export function plainText(text: string, longest: number): string {
  const seen = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  // Not within a character of two units.
  return seen
    .slice(0, longest)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}
