/**
 * Who somebody is: the roles, and which peer ids belong to which. The id alone says the role, so that topics
 * alone decide what somebody may say: any MQTT broker can check those.
 */
import { isId } from './topics.ts';

export const ROLES = ['vehicle', 'operator', 'supervisor', 'monitor'] as const;
export type Role = (typeof ROLES)[number];

/** What the ids of all but vehicles begin with. */
export const PREFIXES = { operator: 'op-', supervisor: 'sv-', monitor: 'mon-' } as const;

/** Which role an id belongs to; null when it is no id. */
export function roleOfId(id: string): Role | null {
  if (!isId(id)) return null;
  for (const role of ['operator', 'supervisor', 'monitor'] as const)
    if (id.startsWith(PREFIXES[role])) return role;
  return 'vehicle';
}

/** Hex digits of a session in the ids of its pages, and of one page in them: see {@link sessionOfPeer}. */
export const SESSION_DIGITS = 10;
export const PEER_DIGITS = 8;
const OF_A_PAGE = new RegExp(`^((?:op|sv)-[0-9a-f]{${SESSION_DIGITS}})-[0-9a-f]{${PEER_DIGITS}}$`);

/** The ids of a browser's pages begin with that of its session, which is one person's; any other id is its own. */
export const sessionOfPeer = (peer: string): string => OF_A_PAGE.exec(peer)?.[1] ?? peer;

/** Why an id can't be that of somebody with this role, in one sentence; null when it can. */
export function idProblemFor(role: Role, id: string): string | null {
  if (!isId(id)) return `'${id}' is not an id: 1 to 32 of a-z, 0-9 and '-', and no '-' first.`;
  if (roleOfId(id) === role) return null;
  if (role === 'vehicle')
    return `A vehicle's id does not begin with ${Object.values(PREFIXES).join(', ')}: '${id}'.`;
  return `The id of ${role === 'operator' ? 'an' : 'a'} ${role} begins with '${PREFIXES[role]}', for example '${PREFIXES[role]}1'.`;
}
