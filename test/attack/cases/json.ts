/**
 * Fuzzed JSON on every topic. What an operator may say is heard by a real vehicle agent; what a vehicle may say,
 * retained too, by the server's own listeners: its census, its housekeeping, its count of relayed data.
 */
import { createTopics } from '../../../shared/topics.ts';
import { startAgent } from '../agent.ts';
import type { Attack, Outcome } from '../attack.ts';
import { createRandom, type Random } from '../wire/random.ts';
import { range } from '../wire/raw.ts';
import { join, listen } from '../witness.ts';
import { right } from './messages.ts';
import { SEED } from './packets.ts';

const topics = createTopics();
/** The agent's, and the room that the attacker is a vehicle in. */
const CAR = 'car3';
const ATTACKER = 'op-fuzz';
const OWN_CAR = 'car4';

const STRANGE: unknown[] = [
  null,
  true,
  '',
  'x'.repeat(5_000),
  '\u0000',
  '\uD800',
  0,
  -1,
  1e308,
  -0.5,
  2 ** 53,
  [],
  [[]],
  {},
  { toString: null },
  { __proto__: null, constructor: { prototype: {} } },
  ['v', 1],
  '__proto__',
  'constructor',
];

/** Anything in a message, anywhere, becomes something strange; or its text is broken. */
function fuzz(message: object, random: Random): string {
  const copy = JSON.parse(JSON.stringify(message));
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    let at = copy;
    let keys = Object.keys(at);
    while (keys.length > 0) {
      const key = random.pick(keys);
      const inner = at[key];
      const deeper = typeof inner === 'object' && inner !== null && random.below(2) === 0;
      if (!deeper) {
        const way = random.below(8);
        if (way === 0) delete at[key];
        else if (way === 1 && !Array.isArray(at))
          at[random.pick(['__proto__x', 'v', key.toUpperCase()])] = inner;
        else at[key] = structuredClone(random.pick(STRANGE));
        break;
      }
      at = inner;
      keys = Object.keys(at);
    }
  }
  const text = JSON.stringify(copy).replaceAll('__proto__x', '__proto__');
  if (random.below(6) > 0) return text;
  const at = random.below(text.length);
  return random.pick([
    text.slice(0, at),
    text.slice(0, at) + random.pick(['\\', '"', '{', ',', '\u0000', '1e999']) + text.slice(at),
    '['.repeat(20_000),
    `{"v":1,"ts":${'9'.repeat(400)}}`,
    '',
    random.pick(['null', '1', '"x"', '[]', 'NaN', 'undefined']),
  ]);
}

/** Each connection may say so much at once, and only what is said is under attack here, not the rate. */
const BURST = 200;

/** @param retain every other message is retained */
async function say(
  enter: () => ReturnType<typeof join>,
  tries: number,
  messages: Record<string, object>,
  retain: boolean,
): Promise<void> {
  const random = createRandom(SEED);
  const all = Object.entries(messages);
  for (let at = 0; at < tries; at += BURST) {
    const client = await enter();
    const some = range(Math.min(BURST, tries - at)).map((n) => {
      const [topic, message] = all[(at + n) % all.length] as [string, object];
      const options = { qos: 1 as const, retain: retain && random.below(2) === 0 };
      return client.publishAsync(topic, fuzz(message, random), options);
    });
    await Promise.all(some);
    await client.endAsync();
  }
}

export const JSON_ATTACKS: Attack[] = [
  {
    name: `fuzzed JSON to a vehicle, seed ${SEED}`,
    tries: { full: 5_000, test: 700 },
    async run(target, tries): Promise<Outcome> {
      const witness = await listen(target, `rooms/${CAR}/#`);
      const agent = await startAgent(target, witness, CAR);
      try {
        const before = witness.last(topics.presence(CAR, CAR));
        const password = await target.token(ATTACKER, 'operator', [CAR]);
        const enter = () => join(target, ATTACKER, password);
        await say(enter, tries, right(CAR, ATTACKER).operator, true);
        // It still says where it is, in the same run, and nobody drives it.
        await witness.heardNext(topics.telemetry(CAR));
        const after = witness.last(topics.presence(CAR, CAR));
        const driven = (witness.last(topics.lease(CAR))?.holder ?? null) !== null;
        const harmed = agent.hasEnded() || before === null || before.epoch !== after?.epoch || driven;
        const operator = await enter();
        await operator.publishAsync(topics.presence(CAR, ATTACKER), '', { qos: 1, retain: true });
        await operator.endAsync();
        return { attempts: tries, gotIn: harmed ? tries : 0 };
      } finally {
        await agent.stop();
        await witness.close();
      }
    },
    said: [],
  },
  {
    name: `fuzzed JSON of a vehicle, retained too, seed ${SEED}`,
    tries: { full: 5_000, test: 1_000 },
    async run(target, tries): Promise<Outcome> {
      const password = await target.token(OWN_CAR, 'vehicle', [OWN_CAR]);
      const enter = () => join(target, OWN_CAR, password);
      const messages = right(OWN_CAR, 'op-1').vehicle;
      await say(enter, tries, messages, true);
      const car = await enter();
      for (const topic of Object.keys(messages)) await car.publishAsync(topic, '', { qos: 1, retain: true });
      await car.endAsync();
      const monitor = await target.token('mon-x', 'monitor', ['*']);
      const metrics = await fetch(`${target.webUrl}/metrics`, {
        headers: { Authorization: `Bearer ${monitor}` },
      });
      return { attempts: tries, gotIn: metrics.status === 200 ? 0 : tries };
    },
    said: [{ line: /^(message dropped|relayed data not counted): /, offenders: 50 }],
  },
];
