/** Who the vehicle is, in words. Pure. */
import { fingerprintOf } from '../../shared/signature.ts';
import type { Refusal, VehicleIdentity } from '../../shared/vehicle-trust.ts';
import { UNKNOWN } from '../format.ts';
import type { Fact } from './panel/facts.tsx';
import type { Sentence } from './sentence.ts';

/** What was said in the vehicle's name was refused, and nothing else has come. */
export function ofStranger(room: string, { why, known, key }: Refusal): Sentence {
  const refused = { tone: 'danger', again: true } as const;
  switch (why) {
    case 'unsigned':
      return {
        ...refused,
        title: `Nothing shows that this is ${room}`,
        detail: `Nothing is connected: its offer is not signed, though ${
          known?.by === 'fleet' ? 'the fleet knows its key' : 'this browser has seen its key before'
        }. It has an older agent now, or somebody else says its name.`,
        keys: [['Its key', shown(known?.key)]],
      };
    case 'forged':
      return {
        ...refused,
        title: `An offer in the name of ${room} is forged`,
        detail:
          'Nothing is connected: the signature of the offer is wrong. Somebody between the two changes what they say.',
      };
    case 'other-key': {
      const fleets = known?.by === 'fleet';
      return {
        ...refused,
        title: `${room} shows another key than ${fleets ? 'the fleet knows' : 'before'}`,
        detail: `Nothing is connected: it may be somebody else. ${
          fleets
            ? 'If it was set up anew, its new key has to go into the fleet’s list (--vehicle-keys).'
            : `If it was set up anew, compare the new one with what it says at its start (plntry key ${room} --fingerprint).`
        }`,
        keys: [
          [fleets ? 'The fleet knows' : 'It was', shown(known?.key)],
          ['Now it is', shown(key)],
        ],
        ...(fleets || key === null ? {} : { trust: key }),
      };
    }
  }
}

const KNOWN_BY: Record<NonNullable<VehicleIdentity['by']>, string> = {
  fleet: 'known by the fleet',
  pin: 'as this browser has seen it before',
  'first-sight': 'new here: seen for the first time, and kept',
  nothing: 'unknown: it does not sign',
};

export function identityFacts({ by, key, refusals }: VehicleIdentity): Fact[] {
  return [
    ['Car’s key', key === null ? UNKNOWN : fingerprintOf(key)],
    ['The car is', by === null ? UNKNOWN : KNOWN_BY[by]],
    ...(refusals > 0 ? [['Offers refused', `${refusals}: not the car’s`] as Fact] : []),
  ];
}

const shown = (key: string | null | undefined) => (key ? fingerprintOf(key) : UNKNOWN);
