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

/** Why an id can't be that of somebody with this role, in one sentence; null when it can. */
export function idProblemFor(role: Role, id: string): string | null {
  if (!isId(id)) return `'${id}' is not an id: 1 to 32 of a-z, 0-9 and '-', and no '-' first.`;
  if (roleOfId(id) === role) return null;
  if (role === 'vehicle')
    return `A vehicle's id does not begin with ${Object.values(PREFIXES).join(', ')}: '${id}'.`;
  return `The id of ${role === 'operator' ? 'an' : 'a'} ${role} begins with '${PREFIXES[role]}', for example '${PREFIXES[role]}1'.`;
}
