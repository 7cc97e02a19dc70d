/** All attacks, in the order of the table. */
import type { Attack } from '../attack.ts';
import { COSTLY } from './costly.ts';
import { FLOODS } from './floods.ts';
import { HTTP } from './http.ts';
import { IDENTITY } from './identity.ts';
import { INVITATIONS } from './invitation.ts';
import { JSON_ATTACKS } from './json.ts';
import { PACKETS } from './packets.ts';
import { SIGNATURES } from './signature.ts';
import { SLOW } from './slow.ts';
import { TOKENS } from './tokens.ts';
import { TOPIC_ATTACKS } from './topics.ts';
import { WEBSOCKET } from './websocket.ts';

/** By what they don't have: the right. */
export const INTRUSIONS: readonly Attack[] = [
  ...TOKENS,
  ...INVITATIONS,
  ...IDENTITY,
  ...TOPIC_ATTACKS,
  ...SIGNATURES,
  ...HTTP,
];

/** By too much, too slowly, or by what makes no sense. */
export const LOADS: readonly Attack[] = [
  ...PACKETS,
  ...JSON_ATTACKS,
  ...WEBSOCKET,
  ...SLOW,
  ...FLOODS,
  ...COSTLY,
];

export const ATTACKS: readonly Attack[] = [...INTRUSIONS, ...LOADS];
