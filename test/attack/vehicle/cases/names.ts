/** An operator of the fleet has a car look up names, and send to its own machine, by candidates. */
import type { VehicleAttack } from '../attack.ts';
import { countInNetwork, whyNoNetwork } from '../names/outside.ts';

export const NAMES: VehicleAttack[] = [
  {
    name: 'candidates that are names, and addresses of the car’s own machine',
    elsewhere: true,
    problem: whyNoNetwork,
    // How long the car has for it, ms: each name may be asked for one after the other.
    size: { full: 20_000, test: 8_000 },
    async run(_ground, watchMs) {
      const { said, answered, queries, datagrams } = await countInNetwork(watchMs);
      const got = `${queries.length} names were asked for (${[...new Set(queries)].join(' ')}), ${datagrams} datagrams came`;
      const gotIn = queries.length + datagrams;
      return { attempts: answered ? said : 0, gotIn, ...(gotIn > 0 ? { got } : {}) };
    },
  },
];
