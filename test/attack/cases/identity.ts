/** With a good token: as somebody else. */
import type { Attack, Outcome } from '../attack.ts';
import { HONEST_CAR, HONEST_OPERATOR } from '../honest.ts';
import type { Target } from '../target.ts';
import { PINGREQ, publishPacket, subscribePacket } from '../wire/packets.ts';
import { inParallel, knock, range } from '../wire/raw.ts';
import { join, listen } from '../witness.ts';

const MARK = 'forged';

/** Lets the attacker in and has it do something, so many times, and looks who has heard of it. */
async function andListen(
  target: Target,
  tries: number,
  act: (login: { clientId: string; password: string }, index: number) => Promise<void>,
): Promise<Outcome> {
  const witness = await listen(target);
  const password = await target.token(target.operator, 'operator', [target.car]);
  // Ids that no peer can have, so that one try does not throw out the other.
  await inParallel(range(tries), 8, (index) => act({ clientId: `X${index}`, password }, index));
  await witness.caughtUp();
  const gotIn = witness.heard((_topic, payload) => payload.includes(MARK));
  await witness.close();
  return { attempts: tries, gotIn };
}

export const IDENTITY: Attack[] = [
  {
    name: 'theft of a client id',
    tries: { full: 500, test: 30 },
    async run(target, tries) {
      let gotIn = 0;
      const password = await target.token(target.operator, 'operator', [HONEST_CAR]);
      const victims = [HONEST_CAR, HONEST_OPERATOR, 'plntry-server'];
      await inParallel(range(tries), 4, async (index) => {
        const clientId = victims[index % victims.length] as string;
        const { raw, code } = await knock(target, { clientId, username: clientId, password });
        if (code === 0) gotIn += 1;
        raw.socket.destroy();
        await raw.closed;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^MQTT client refused: its client id is/, offenders: 3 }],
  },
  {
    name: 'theft of a client id that is no peer’s',
    tries: { full: 500, test: 30 },
    async run(target, tries) {
      const tool = await target.token('mon-tool', 'monitor', ['*']);
      const victim = await knock(
        target,
        { clientId: 'Some.Tool', password: tool, username: 'x' },
        '127.0.0.1',
      );
      const password = await target.token(target.operator, 'operator', [target.car]);
      let gotIn = victim.code === 0 ? 0 : tries;
      await inParallel(range(tries), 4, async () => {
        const { raw, code } = await knock(target, { clientId: 'Some.Tool', username: 'x', password });
        if (code === 0) gotIn += 1;
        raw.socket.destroy();
        await raw.closed;
      });
      if (victim.raw.socket.destroyed) gotIn += 1;
      victim.raw.socket.destroy();
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^MQTT client refused: the client id 'Some.Tool' is in use/ }],
  },
  {
    name: 'publishing as another peer, in another room, as the broker',
    tries: { full: 600, test: 40 },
    run: (target, tries) =>
      andListen(target, tries, async ({ password }, index) => {
        const topics = [
          `rooms/${target.car}/telemetry`,
          `rooms/${target.car}/peers/${target.car}`,
          `rooms/${target.car}/peers/op-other`,
          `rooms/${target.car}/sdp/${target.car}/${target.operator}`,
          `rooms/${target.car}/sdp/op-other/${target.car}`,
          `rooms/${HONEST_CAR}/estop`,
          `rooms/${HONEST_CAR}/telemetry`,
          `rooms/${HONEST_CAR}/sdp/${target.operator}/${HONEST_CAR}`,
          '$SYS/broker/clients',
          'elsewhere',
        ];
        const { raw } = await knock(target, { clientId: `P${index % 8}`, username: 'x', password });
        const topic = topics[index % topics.length] as string;
        raw.socket.end(publishPacket(topic, MARK, { qos: index % 3, retain: index % 2 === 0 }));
        await raw.closed;
      }),
    said: [{ line: /^MQTT client refused: it may not publish to/, offenders: 10 }],
  },
  {
    name: 'wills on others’ topics',
    tries: { full: 3_000, test: 40 },
    run: (target, tries) =>
      andListen(target, tries, async ({ password }, index) => {
        const topics = [
          `rooms/${HONEST_CAR}/peers/${HONEST_CAR}`,
          `rooms/${target.car}/peers/${target.car}`,
          '$SYS/x',
          'a/#',
        ];
        const will = {
          topic: topics[index % topics.length] as string,
          payload: MARK,
          qos: index % 3,
          retain: true,
        };
        const { raw } = await knock(target, { clientId: `W${index % 8}`, username: 'x', password, will });
        raw.socket.destroy();
        await raw.closed;
      }),
    said: [{ line: /^MQTT client refused: it may not leave a will on/, offenders: 8 * 4 }],
  },
  {
    name: 'listening to others',
    tries: { full: 300, test: 30 },
    async run(target, tries) {
      const filters = [
        `rooms/${target.car}/sdp/${target.car}/op-other`,
        `rooms/${HONEST_CAR}/#`,
        `rooms/${HONEST_CAR}/telemetry`,
        '$SYS/#',
        '#',
        '+/+/telemetry',
        '/#',
        '$share/group/rooms/#',
      ];
      const password = await target.token(target.operator, 'operator', [target.car]);
      const honest = await join(target, 'car1', await target.token('car1', 'vehicle', ['car1']));
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const { raw } = await knock(target, { clientId: `L${index}`, username: 'x', password });
        raw.socket.write(subscribePacket([filters[index % filters.length] as string], { qos: 1 }));
        await raw.answer(4 + 5);
        // Nobody of car2 says anything: what comes is not for it.
        await honest.publishAsync('rooms/car1/telemetry', MARK, { qos: 1, retain: true });
        raw.socket.write(PINGREQ);
        await raw.answer(4 + 5 + 2);
        if (raw.received().length > 4 + 5 + 2) gotIn += 1;
        raw.socket.destroy();
        await raw.closed;
      });
      await honest.publishAsync('rooms/car1/telemetry', '', { qos: 1, retain: true });
      await honest.endAsync();
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^MQTT subscription refused: it may not subscribe to/, offenders: 1_000 }],
  },
];
