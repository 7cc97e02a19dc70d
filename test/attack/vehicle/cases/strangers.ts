/** Datagrams of people who are nobody, to the ports that a car has said it listens on. */
import { generateKeyPairSync } from 'node:crypto';
import { SEED } from '../../cases/packets.ts';
import { createRandom } from '../../wire/random.ts';
import { range } from '../../wire/raw.ts';
import type { VehicleAttack } from '../attack.ts';
import { anyDatagram, CONTENT, controlling, handshake, record } from '../packets.ts';
import { sendBothWays, whileOthersCome } from '../stranger.ts';

const random = createRandom(SEED);
const CLOSE_NOTIFY = 0;
const CLIENT_KEY_EXCHANGE = 16;
/** Of a message that never ends: as much as a datagram holds. */
const FRAGMENT_BYTES = 1_380;
const JUNK_MS = 30;

/** A point of the curve that nobody has the other half of, as a client would say it (RFC 8422, section 5.7). */
function junkKeyExchange(): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return record(
    CONTENT.handshake,
    0,
    random.below(100),
    handshake(CLIENT_KEY_EXCHANGE, 2, withLength(point)),
  );
}

const withLength = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length]), bytes]);

export const STRANGERS: VehicleAttack[] = [
  {
    name: 'strangers: 13 bytes of a content type that there is none of',
    size: { full: 2_000, test: 100 },
    async run(ground, tries) {
      const types = [...range(20), ...range(40).map((n) => 24 + n)];
      const packets = range(tries).map((n) => record(types[n % 60] as number, 0, n, Buffer.alloc(0)));
      return { attempts: await sendBothWays(ground, packets), gotIn: 0 };
    },
  },
  {
    name: 'strangers: goodbyes and fatal alerts in plain text',
    size: { full: 2_000, test: 100 },
    async run(ground, tries) {
      const alerts = [CLOSE_NOTIFY, 10, 20, 40, 50, 80].flatMap((why) => [
        [1, why],
        [2, why],
      ]);
      const packets = range(tries).map((n) =>
        record(CONTENT.alert, 0, n, Buffer.from(alerts[n % alerts.length] as number[])),
      );
      return { attempts: await sendBothWays(ground, packets), gotIn: 0 };
    },
  },
  {
    name: 'strangers: keys of their own, 33 times a second while others come',
    size: { full: 10, test: 2 },
    run: async (ground, tries) => ({
      attempts: tries,
      gotIn: await whileOthersCome(ground, 'keys', tries, junkKeyExchange, JUNK_MS),
    }),
  },
  {
    name: 'strangers: claims to be the one who chooses the path, while others come',
    size: { full: 10, test: 2 },
    run: async (ground, tries) => ({
      attempts: tries,
      gotIn: await whileOthersCome(ground, 'claims', tries, () => controlling(random), JUNK_MS),
    }),
  },
  {
    name: 'strangers: claims to be the one who chooses the path, later',
    size: { full: 2_000, test: 100 },
    run: async (ground, tries) => ({
      attempts: await sendBothWays(
        ground,
        range(tries).map(() => controlling(random)),
      ),
      gotIn: 0,
    }),
  },
  {
    name: 'strangers: handshakes in fragments without end',
    // 83 MB
    size: { full: 60_000, test: 20_000 },
    async run(ground, tries) {
      const body = random.bytes(FRAGMENT_BYTES);
      const packets = range(tries).map((n) => {
        const fragment = { length: 0xff_ffff, offset: (n * FRAGMENT_BYTES) % 0xff_0000 };
        return record(CONTENT.handshake, 0, n, handshake(1 + (n % 20), n % 3, body, fragment));
      });
      return { attempts: await sendBothWays(ground, packets, 20), gotIn: 0 };
    },
  },
  {
    name: `strangers: datagrams of every kind, seed ${SEED}`,
    size: { full: 100_000, test: 5_000 },
    run: async (ground, tries) => ({
      attempts: await sendBothWays(
        ground,
        range(tries).map(() => anyDatagram(random)),
      ),
      gotIn: 0,
    }),
  },
];
