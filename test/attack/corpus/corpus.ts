/** The corpus of malformed MQTT packets: the same ones with the same seed, as many as are wanted. */
import { connectPacket } from '../wire/packets.ts';
import { createRandom } from '../wire/random.ts';
import { MUTATIONS } from './mutate.ts';
import { CONNECTS, OTHERS } from './valid.ts';

export interface Malformed {
  /** What was done to which packet, to find it again. */
  index: number;
  kind: string;
  /** Sent as the first packet of a connection, or by a client that was let in. */
  before: boolean;
  bytes: Buffer;
}

const KINDS = Object.entries(MUTATIONS);

export function* corpus(seed: number, count: number): Generator<Malformed> {
  const random = createRandom(seed);
  for (let index = 0; index < count; index += 1) {
    const before = random.below(2) === 0;
    // Some are right in themselves, and wrong where they stand.
    if (random.below(20) === 0) {
      const [kind, bytes] = before
        ? ['a packet before CONNECT', random.pick(OTHERS)]
        : ['a second CONNECT', random.pick([...CONNECTS, connectPacket({ clientId: 'car7' })])];
      yield { index, kind, before, bytes };
      continue;
    }
    const [kind, mutate] = random.pick(KINDS);
    const bytes = mutate(random.pick(before && random.below(4) > 0 ? CONNECTS : OTHERS), random);
    yield { index, kind, before, bytes };
  }
}
