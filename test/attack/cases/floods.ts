/** Too much of what is allowed: subscriptions, messages, retained messages, connections. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { connectPacket, PINGREQ, publishPacket, subscribePacket } from '../wire/packets.ts';
import { dial, inParallel, knock, type Raw, range } from '../wire/raw.ts';
import { join, listen } from '../witness.ts';

/** What the server allows unless configured otherwise: see broker/limits/limits.ts. */
const MOST_SUBSCRIPTIONS = 200;
const MOST_RETAINED = 2_000;
/** Of one peer, in a minute. */
const MOST_CONNECTS = 300;
/** Messages a second of an operator, and for how many seconds' worth of them it may save up. */
const OPERATOR_RATE = 50;
const BURST_S = 5;
/** How long a flood lasts at most, ms: whoever is slowed down never gets to its end. */
const FLOOD_MS = 5_000;

/** Packets in one write. */
const AT_ONCE = 50;

const login = async (target: Target, clientId: string) => ({
  clientId,
  username: 'x',
  password: await target.token(target.operator, 'operator', [target.car]),
});

/** Writes as fast as it is taken, for a while. @returns how many pieces were written */
async function pour({ socket, closed }: Raw, pieces: Iterable<Buffer>): Promise<number> {
  const until = performance.now() + FLOOD_MS;
  let written = 0;
  for (const piece of pieces) {
    if (socket.destroyed || performance.now() > until) break;
    written += 1;
    if (socket.write(piece)) continue;
    const timer = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())));
    await Promise.race([once(socket, 'drain', { signal: timer }).catch(() => {}), closed]);
  }
  return written;
}

const end = async ({ socket, closed }: Raw): Promise<void> => {
  socket.destroy();
  await closed;
};

function* batches<T>(count: number, size: number, make: (index: number) => T): Generator<T[]> {
  for (let at = 0; at < count; at += size) yield range(Math.min(size, count - at)).map((n) => make(at + n));
}

function* joined(pieces: Iterable<Buffer[]>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.concat(piece);
}

export const FLOODS: Attack[] = [
  {
    name: 'subscriptions of one client',
    tries: { full: 10_000, test: 10_000 },
    async run(target, tries) {
      const { raw } = await knock(target, await login(target, `S1-${target.operator}`));
      let granted = 0;
      const perPacket = 200;
      for (const filters of batches(tries, perPacket, (n) => `rooms/${target.car}/peers/op-${n}`)) {
        const before = raw.received().length;
        raw.socket.write(subscribePacket(filters, { qos: 1 }));
        // Type, length in two bytes, identifier, and a byte for each filter.
        const answer = await raw.answer(before + 5 + filters.length);
        granted += answer.subarray(before + 5).filter((code) => code < 0x80).length;
        if (raw.socket.destroyed) break;
      }
      await end(raw);
      return { attempts: tries, gotIn: Math.max(0, granted - MOST_SUBSCRIPTIONS) };
    },
    // Slowed, and closed when that has no effect; the same below.
    said: [{ line: /more than \d+ subscriptions|messages a second/, offenders: 3 }],
  },
  {
    name: 'a flood of messages, QoS 0',
    tries: { full: 1_000_000, test: 50_000 },
    run: (target, tries) => publishFlood(target, tries, 0),
    said: [{ line: /more than \d+ (messages|bytes) a second/, offenders: 2 }],
  },
  {
    name: 'a flood of messages, QoS 1 that is never read',
    tries: { full: 1_000_000, test: 50_000 },
    run: (target, tries) => publishFlood(target, tries, 1),
    said: [{ line: /more than \d+ (messages|bytes) a second/, offenders: 2 }],
  },
  {
    name: 'a flood of retained messages',
    tries: { full: 20_000, test: 3_000 },
    async run(target, tries) {
      const password = await target.token(target.car, 'vehicle', [target.car]);
      const topic = (n: number) => `rooms/${target.car}/link/r${n}`;
      const { raw } = await knock(target, { clientId: `R-${target.car}`, username: 'x', password });
      const payload = 'x'.repeat(500);
      const pieces = batches(tries, AT_ONCE, (n) =>
        publishPacket(topic(n), payload, { qos: 1, retain: true }),
      );
      const poured = await pour(raw, joined(pieces));
      // Until all of it has been acknowledged, or the flood has lasted long enough.
      await Promise.race([raw.answer(4 + 4 * tries), sleep(FLOOD_MS, null, { ref: false })]);
      await end(raw);
      const kept = await retained(target, `rooms/${target.car}/link/#`);
      await clear(target, password, kept);
      return { attempts: poured * AT_ONCE, gotIn: Math.max(0, kept.length - MOST_RETAINED) };
    },
    said: [{ line: /more than \d+ (messages|bytes) a second|retained/, offenders: 3 }],
  },
  {
    name: 'sessions that are left behind, each with subscriptions',
    tries: { full: 2_000, test: 200 },
    async run(target, tries) {
      const { username, password } = await login(target, `x-${target.operator}`);
      const honest = await join(target, target.car, await target.token(target.car, 'vehicle', [target.car]));
      await inParallel(range(tries), 8, async (index) => {
        const { raw } = await knock(target, { clientId: `Z${index}`, username, password, clean: false });
        raw.socket.write(subscribePacket([`rooms/${target.car}/#`], { qos: 1 }));
        await raw.answer(4 + 5);
        await end(raw);
      });
      // What each of them would be kept for.
      for (const n of range(20))
        await honest.publishAsync(`rooms/${target.car}/telemetry`, `${n}${'x'.repeat(2_000)}`, { qos: 1 });
      const { raw } = await knock(target, { clientId: 'Z0', username, password, clean: false });
      raw.socket.write(PINGREQ);
      const answer = await raw.answer(4 + 2);
      await end(raw);
      await honest.endAsync();
      return { attempts: tries, gotIn: answer[2] === 1 || answer.length > 4 + 2 ? tries : 0 };
    },
    said: [],
  },
  {
    name: 'connections that come and go',
    tries: { full: 10_000, test: 1_500 },
    async run(target, tries) {
      const packet = connectPacket(await login(target, `K1-${target.operator}`));
      await inParallel(range(tries), 8, async () => {
        const raw = await dial(target, 'mqtt');
        raw.socket.end(packet);
        await raw.closed;
      });
      return { attempts: tries, gotIn: 0 };
    },
    said: [],
  },
  {
    name: 'a token’s holder who comes and goes',
    tries: { full: 5_000, test: 600 },
    async run(target, tries) {
      const holder = await login(target, `Q1-${target.operator}`);
      const startedAt = performance.now();
      let letIn = 0;
      // One after another: of several at once each would take the place of the one before.
      for (const _ of range(tries)) {
        const { raw, code } = await knock(target, holder);
        if (code === 0) letIn += 1;
        await end(raw);
      }
      const minutes = Math.ceil((performance.now() - startedAt) / 60_000) + 1;
      return { attempts: tries, gotIn: Math.max(0, letIn - minutes * MOST_CONNECTS) };
    },
    said: [{ line: /^MQTT client comes and goes/ }, { line: /came more than \d+ times/ }],
  },
  {
    name: 'subscribers that read nothing of what they are sent',
    tries: { full: 20, test: 5 },
    async run(target, tries) {
      const password = await target.token('mon-x', 'monitor', ['*']);
      const frozen = await Promise.all(
        range(tries).map(async (index) => {
          const { raw } = await knock(target, { clientId: `F${index}`, username: 'x', password });
          raw.socket.write(subscribePacket(['rooms/#'], { qos: 1 }));
          await raw.answer(4 + 5);
          raw.socket.pause();
          return raw;
        }),
      );
      const car = await join(target, target.car, await target.token(target.car, 'vehicle', [target.car]));
      const large = 'x'.repeat(60_000);
      const closed = Promise.all(frozen.map((raw) => raw.closed)).then(() => true);
      for (const _ of range(60)) await car.publishAsync(`rooms/${target.car}/telemetry`, large, { qos: 1 });
      // The end of a connection is told to who reads.
      const until = performance.now() + 2 * FLOOD_MS;
      while (performance.now() < until) {
        for (const { socket } of frozen) socket.write(PINGREQ);
        const over = await Promise.race([closed, sleep(200)]);
        if (over === true) break;
      }
      await car.endAsync();
      const held = frozen.filter(({ socket }) => !socket.destroyed).length;
      await Promise.all(frozen.map(end));
      return { attempts: tries, gotIn: held };
    },
    said: [
      { line: /it took nothing|wait for it to take|it acknowledged nothing|drain timeout/, offenders: 20 },
    ],
  },
];

/** On a topic of its own, which it may publish to. What is more than its rate is what it got. */
async function publishFlood(target: Target, tries: number, qos: 0 | 1) {
  const witness = await listen(target, `rooms/${target.car}/#`);
  const { raw } = await knock(target, await login(target, `F1-${target.operator}`));
  if (qos === 1) raw.socket.pause();
  const startedAt = performance.now();
  const one = publishPacket(`rooms/${target.car}/peers/${target.operator}`, 'x'.repeat(100), { qos });
  const poured = await pour(raw, joined(batches(tries, AT_ONCE, () => one)));
  await witness.caughtUp();
  const seconds = (performance.now() - startedAt) / 1_000;
  const heard = witness.heard(() => true);
  await end(raw);
  await witness.close();
  return {
    attempts: poured * AT_ONCE,
    gotIn: Math.max(0, Math.round(heard - OPERATOR_RATE * (BURST_S + seconds + 1))),
  };
}

/** Topics of what is retained. */
async function retained(target: Target, filter: string): Promise<string[]> {
  const client = await join(target, 'mon-x', await target.token('mon-x', 'monitor', ['*']));
  const topics = new Set<string>();
  let last = performance.now();
  client.on('message', (topic, _payload, { retain }) => {
    last = performance.now();
    if (retain) topics.add(topic);
  });
  await client.subscribeAsync(filter, { qos: 0 });
  // They come after the answer, and nothing says which is the last.
  while (performance.now() - last < 500) await sleep(50);
  await client.endAsync();
  return [...topics];
}

/** What a vehicle may say at once. */
const VEHICLE_BURST = 400;

/** As whoever runs the server would do it, within what it allows: each connection may say so much at once. */
async function clear(target: Target, password: string, topics: string[]): Promise<void> {
  for (const some of batches(topics.length, VEHICLE_BURST, (n) => topics[n] as string)) {
    const client = await join(target, target.car, password);
    await Promise.all(some.map((topic) => client.publishAsync(topic, '', { qos: 1, retain: true })));
    await client.endAsync();
  }
}
