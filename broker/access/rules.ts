/**
 * Who may publish and receive what: one table, and the functions that read it. Pure.
 *
 * A subscription with wildcards is granted where it can match anything at all that its client may receive;
 * what is delivered is looked at message by message, as Mosquitto does it. So `rooms/#` gives everybody their part.
 *
 * docs/security.md has the table for people, test/broker/access/rules.test.ts tries every row on the running broker.
 */
import type { Role } from '../../shared/roles.ts';
import { roleOfId } from '../../shared/roles.ts';
import { isId } from '../../shared/topics.ts';
import { type Identity, mayEnter } from './identity.ts';

export type Action = 'publish' | 'receive';

export interface Rule {
  roles: readonly Role[];
  action: Action;
  /**
   * Below the topic root, unless it begins with `$`. `{self}` is the client's own id, `{room}` a room that its
   * token names (the same one throughout a topic), `{any}` any id, `{rest}` at the end whatever follows.
   */
  topic: string;
  what: string;
  /** Whether it may be retained, and left as a will. */
  kept?: true;
}

const VEHICLE = ['vehicle'] as const;
const DRIVERS = ['operator', 'supervisor'] as const;
const MONITOR = ['monitor'] as const;
/** What two peers say to each other, in both directions. */
const ADDRESSED = [
  ['sdp', 'session descriptions'],
  ['ice', 'ICE candidates'],
  ['bye', 'the end of a session'],
  ['report', 'what an end knows of the network'],
] as const;

export const RULES: readonly Rule[] = [
  { roles: VEHICLE, action: 'publish', topic: '{self}/peers/{self}', what: 'its presence', kept: true },
  { roles: VEHICLE, action: 'publish', topic: '{self}/offer', what: 'its offer state', kept: true },
  { roles: VEHICLE, action: 'publish', topic: '{self}/telemetry', what: 'its telemetry', kept: true },
  { roles: VEHICLE, action: 'publish', topic: '{self}/lease', what: 'who drives it', kept: true },
  { roles: VEHICLE, action: 'publish', topic: '{self}/safety', what: 'its safety state', kept: true },
  { roles: VEHICLE, action: 'publish', topic: '{self}/link/{any}', what: 'the path to an operator' },
  { roles: VEHICLE, action: 'receive', topic: '{self}/peers/{any}', what: 'who is in its room' },
  { roles: VEHICLE, action: 'receive', topic: '{self}/estop', what: 'emergency stops' },
  { roles: VEHICLE, action: 'receive', topic: '{self}/usage', what: 'its relayed data' },
  ...ADDRESSED.flatMap(([kind, what]): Rule[] => [
    { roles: VEHICLE, action: 'publish', topic: `{self}/${kind}/{self}/{any}`, what: `${what}, to anyone` },
    { roles: VEHICLE, action: 'receive', topic: `{self}/${kind}/{any}/{self}`, what: `${what}, to it` },
  ]),

  { roles: DRIVERS, action: 'publish', topic: '{room}/peers/{self}', what: 'its presence', kept: true },
  { roles: DRIVERS, action: 'publish', topic: '{room}/estop', what: 'an emergency stop' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/peers/{any}', what: 'who is in the room' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/offer', what: 'the offer state' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/telemetry', what: 'telemetry' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/lease', what: 'who drives' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/safety', what: 'the safety state' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/usage', what: 'relayed data' },
  { roles: DRIVERS, action: 'receive', topic: '{room}/link/{self}', what: 'its own path' },
  ...ADDRESSED.flatMap(([kind, what]): Rule[] => [
    {
      roles: DRIVERS,
      action: 'publish',
      topic: `{room}/${kind}/{self}/{room}`,
      what: `${what}, to the vehicle`,
    },
    {
      roles: DRIVERS,
      action: 'receive',
      topic: `{room}/${kind}/{room}/{self}`,
      what: `${what}, from the vehicle to it`,
    },
  ]),

  { roles: MONITOR, action: 'receive', topic: '{room}/{rest}', what: 'all that is said in the room' },
  { roles: MONITOR, action: 'receive', topic: '$SYS/{rest}', what: 'what the broker says of itself' },
];

interface Row {
  action: Action;
  kept: boolean;
  /** Those of the root, and the rule's. */
  levels: string[];
}

export interface Rules {
  mayPublish(client: Identity, topic: string): boolean;
  /** Whether what it publishes there may be retained, and be its will. */
  mayLeave(client: Identity, topic: string): boolean;
  mayReceive(client: Identity, topic: string): boolean;
  /** Whether anything can come of a subscription. */
  maySubscribe(client: Identity, filter: string): boolean;
}

/** @param root the topic root */
export function createRules(root: string): Rules {
  const rows = new Map<Role, Row[]>();
  for (const { roles, action, topic, kept = false } of RULES) {
    const row = { action, kept, levels: (topic.startsWith('$') ? topic : `${root}/${topic}`).split('/') };
    for (const role of roles) rows.set(role, [...(rows.get(role) ?? []), row]);
  }

  function allows(client: Identity, wanted: Action, text: string, isFilter: boolean, keeps = false): boolean {
    const levels = text.split('/');
    return (rows.get(client.role) ?? []).some(
      ({ action, kept, levels: rule }) =>
        action === wanted && (kept || !keeps) && matches(rule, levels, client, isFilter),
    );
  }

  return {
    mayPublish: (client, topic) => allows(client, 'publish', topic, false),
    mayLeave: (client, topic) => allows(client, 'publish', topic, false, true),
    mayReceive: (client, topic) => allows(client, 'receive', topic, false),
    maySubscribe: (client, filter) => allows(client, 'receive', filter, true),
  };
}

/** Whether a topic is the rule's, or, of a filter, whether any topic is both the filter's and the rule's. */
function matches(rule: string[], levels: string[], client: Identity, isFilter: boolean): boolean {
  let room: string | null = null;
  // Wildcards in the first level don't reach what begins with $ (MQTT 3.1.1, 4.7.2-1).
  if (isFilter && rule[0]?.startsWith('$') && levels[0] !== rule[0]) return false;
  for (const [index, part] of rule.entries()) {
    const level = levels[index];
    if (isFilter && level === '#') return true;
    if (part === '{rest}') return level !== undefined;
    if (level === undefined) return false;
    if (isFilter && level === '+') continue;
    if (part === '{self}') {
      if (level !== client.sub) return false;
    } else if (part === '{any}') {
      if (!isId(level)) return false;
    } else if (part === '{room}') {
      if (room !== null ? level !== room : !isRoomOf(client, level)) return false;
      room = level;
    } else if (level !== part) return false;
  }
  return (
    levels.length === rule.length || (isFilter && levels.length === rule.length + 1 && levels.at(-1) === '#')
  );
}

/** A room is named after its vehicle: no operator makes one up under its own name. */
function isRoomOf(client: Identity, room: string): boolean {
  return roleOfId(room) === 'vehicle' && mayEnter(client, room);
}
