/** All attacks on a car, in the order of the table. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VehicleAttack } from '../attack.ts';
import { INSIDERS } from './insiders.ts';
import { MESSAGES } from './messages.ts';
import { NAMES } from './names.ts';
import { ON_PATH } from './path.ts';
import { STRANGERS } from './strangers.ts';

/** What the figures are to be compared with: how even this machine's time is. */
const NOBODY: VehicleAttack = {
  name: 'nobody attacks',
  size: { full: 6_000, test: null },
  async run(_ground, ms) {
    await sleep(ms);
    return { attempts: 1, gotIn: 0 };
  },
};

export const VEHICLE_ATTACKS: readonly VehicleAttack[] = [
  NOBODY,
  ...ON_PATH,
  ...NAMES,
  ...STRANGERS,
  ...INSIDERS,
  ...MESSAGES,
];
