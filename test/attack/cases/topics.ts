/** Topics and filters that no decent client would name, from somebody who was let in. */
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { field, PINGREQ, packet, publishPacket, subscribePacket, TYPE, uint16 } from '../wire/packets.ts';
import { inParallel, knock, range } from '../wire/raw.ts';
import { listen } from '../witness.ts';

/** UTF-8 of an unpaired surrogate, which UTF-8 doesn't have (MQTT 3.1.1, 1.5.3-1). */
const SURROGATE = Buffer.from([0xed, 0xa0, 0x80]);
const LONGEST = 65_535;

const after = (text: string, bytes: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(text), Buffer.from(bytes as string)]);

const topicsOf = (target: Target): (string | Buffer)[] => [
  '',
  '#',
  '+',
  'rooms/#',
  'rooms/+/estop',
  `rooms/${target.car}/peers/${target.operator}#`,
  `rooms/${target.car}/peers/${target.operator}+`,
  '$SYS/x',
  `$share/g/rooms/${target.car}/estop`,
  '$',
  '\0',
  `rooms/${target.car}/\0`,
  `rooms/${target.car}/peers/${target.operator}\0`,
  after(`rooms/${target.car}/`, SURROGATE),
  after(`rooms/${target.car}/peers/${target.operator}`, SURROGATE),
  after(`rooms/${target.car}/`, Buffer.from([0xff, 0xfe])),
  after(`rooms/${target.car}/`, Buffer.from([0xc0, 0xaf])),
  `rooms/${target.car}/\uFFFF`,
  `rooms/${target.car}/\u202Epots`,
  `rooms/${target.car}/${'x'.repeat(LONGEST - 50)}`,
  '/'.repeat(LONGEST),
  'a/'.repeat(99),
  'a/'.repeat(100),
  'a/'.repeat(101),
  `${'+/'.repeat(99)}#`,
  '+/'.repeat(1_000),
  '#/#',
  `rooms/${target.car}/##`,
  '__proto__',
  'constructor/prototype',
  'rooms/__proto__/estop',
  `rooms/${target.car}/peers/${target.operator}/`,
  `rooms//peers/${target.operator}`,
  `Rooms/${target.car}/estop`,
];

const MARK = 'forged';
const password = (target: Target) => target.token(target.operator, 'operator', [target.car]);

export const TOPIC_ATTACKS: Attack[] = [
  {
    name: 'publishing to topics with wildcards, $, NUL, surrogates, 64 KiB, 100 levels',
    tries: { full: 1_020, test: 68 },
    async run(target, tries) {
      const topics = topicsOf(target);
      const witness = await listen(target);
      const login = { username: 'x', password: await password(target) };
      await inParallel(range(tries), 8, async (index, lane) => {
        const { raw } = await knock(target, { clientId: `T${lane}`, ...login });
        const topic = topics[index % topics.length] as string;
        raw.socket.end(publishPacket(topic, MARK, { qos: index % 3, retain: index % 2 === 0 }));
        await raw.closed;
      });
      await witness.caughtUp();
      const gotIn = witness.heard((_topic, payload) => payload.includes(MARK));
      await witness.close();
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^MQTT client (refused|error): /, offenders: 40 }],
  },
  {
    name: 'subscribing to filters of that kind',
    tries: { full: 1_020, test: 68 },
    async run(target, tries) {
      const topics = topicsOf(target);
      const login = { username: 'x', password: await password(target) };
      await inParallel(range(tries), 8, async (index, lane) => {
        const { raw } = await knock(target, { clientId: `S${lane}`, ...login });
        const filter = topics[index % topics.length] as string;
        raw.socket.write(subscribePacket([filter], { qos: index % 3 }));
        raw.socket.write(packet(TYPE.unsubscribe, uint16(2), field(filter)));
        raw.socket.end(PINGREQ);
        await raw.closed;
      });
      // What such a filter could bring is looked at under "listening to others".
      return { attempts: tries, gotIn: 0 };
    },
    said: [{ line: /^MQTT (client error|subscription refused): /, offenders: 40 }],
  },
];
