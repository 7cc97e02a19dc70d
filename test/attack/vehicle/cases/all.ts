/** All attacks on a car, in the order of the table. */
import type { VehicleAttack } from '../attack.ts';
import { INSIDERS } from './insiders.ts';
import { MESSAGES } from './messages.ts';
import { ON_PATH } from './path.ts';
import { STRANGERS } from './strangers.ts';

export const VEHICLE_ATTACKS: readonly VehicleAttack[] = [...ON_PATH, ...STRANGERS, ...INSIDERS, ...MESSAGES];
