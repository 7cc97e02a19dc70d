/** Those who take their time: a byte now and then, or nothing at all, over as many connections as they like. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { connectPacket } from '../wire/packets.ts';
import { dial, knock, type Raw, range } from '../wire/raw.ts';
import { heldFrom, vanish, vanishingProblem } from '../wire/vanish.ts';
import { overWebSocket, upgrade } from './websocket.ts';

/** Between two bytes, ms. */
const DRIP_MS = 250;
/** A connection that is open after so long is one that its attacker can hold, ms. */
const HELD_MS = 20_000;

/** Sends a byte at a time until the other end has had enough. */
async function drip({ socket, closed }: Raw, bytes: Buffer): Promise<void> {
  let open = true;
  void closed.then(() => {
    open = false;
  });
  for (let at = 0; open; at = (at + 1) % bytes.length) {
    socket.write(bytes.subarray(at, at + 1));
    await Promise.race([closed, sleep(DRIP_MS)]);
  }
}

/** Opens so many connections, does something slow on each, and counts those that are held open. */
function slowly(
  name: string,
  tries: Attack['tries'],
  act: (target: Target, index: number) => Promise<Raw>,
  said: Attack['said'],
): Attack {
  return {
    name,
    tries,
    async run(target, count) {
      const raws = await Promise.all(range(count).map((index) => act(target, index)));
      const patience = new AbortController();
      const impatience = sleep(HELD_MS, 'held' as const, { signal: patience.signal });
      impatience.catch(() => {});
      const ends = await Promise.all(raws.map(({ closed }) => Promise.race([closed, impatience])));
      patience.abort();
      for (const { socket } of raws) socket.destroy();
      return { attempts: count, gotIn: ends.filter((end) => end === 'held').length };
    },
    said,
  };
}

const begin = (raw: Raw, bytes: string | Buffer): Raw => {
  void drip(raw, Buffer.from(bytes as string));
  return raw;
};
/** Headers without an end. */
const HEADERS = `X-Header: ${'x'.repeat(50)}\r\n`;

export const SLOW: Attack[] = [
  slowly(
    'slowloris on HTTP: headers',
    { full: 1_000, test: 50 },
    async (target) => {
      const raw = await dial(target, 'web');
      raw.socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
      return begin(raw, HEADERS);
    },
    [{ line: /^HTTP request refused: 408/ }],
  ),
  slowly(
    'slowloris on HTTP: a body',
    { full: 1_000, test: 50 },
    async (target) => {
      const raw = await dial(target, 'web');
      raw.socket.write(
        `POST /api/session HTTP/1.1\r\nHost: ${new URL(target.webUrl).host}\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n`,
      );
      return begin(raw, '{"invitation":"');
    },
    [{ line: /^HTTP request refused: 408/ }],
  ),
  slowly(
    'slowloris on WebSocket',
    { full: 500, test: 50 },
    async (target) => {
      const { raw } = await upgrade(target);
      // A frame of 1 MB that comes a byte at a time.
      raw.socket.write(Buffer.from([0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0]));
      return begin(raw, connectPacket({ clientId: 'car1', password: 'x'.repeat(200), username: '' }));
    },
    [{ line: /no CONNECT within|connect did not arrive in time/ }],
  ),
  slowly(
    'slowloris on MQTT',
    { full: 1_000, test: 50 },
    async (target) =>
      begin(
        await dial(target, 'mqtt'),
        connectPacket({ clientId: 'car1', password: 'x'.repeat(200), username: '' }),
      ),
    [{ line: /no CONNECT within|connect did not arrive in time/ }],
  ),
  slowly(
    'connections that say nothing, on both ports',
    { full: 1_000, test: 50 },
    (target, index) => dial(target, index % 2 === 0 ? 'web' : 'mqtt'),
    [{ line: /no CONNECT within|connect did not arrive in time/ }],
  ),
  slowly(
    'half-open connections: let in, then silent',
    { full: 500, test: 30 },
    async (target, index) => {
      const raw = await dial(target, 'mqtt');
      const password = await silentToken(target, index);
      raw.socket.write(connectPacket({ clientId: `H${index}`, username: 'x', password, keepalive: 2 }));
      await raw.answer(4);
      return raw;
    },
    [{ line: /^MQTT client fell silent/, offenders: 50 }],
  ),
  {
    name: 'half-open connections: the network of the other end is gone',
    tries: { full: 300, test: 30 },
    problem: vanishingProblem,
    async run(target, count) {
      const login = async (index: number) => ({
        clientId: `G${index}`,
        username: 'x',
        password: await silentToken(target, index),
        keepalive: 10,
      });
      const goIn = async (index: number): Promise<Raw> => {
        if (index % 3 === 0) return (await knock(target, { ...(await login(index)), keepalive: 2 })).raw;
        if (index % 3 === 1) {
          const { raw } = await upgrade(target);
          const before = raw.received().length;
          raw.socket.write(overWebSocket(connectPacket(await login(index))));
          await raw.answer(before + 6);
          return raw;
        }
        const raw = await dial(target, 'web');
        raw.socket.write(`GET /healthz HTTP/1.1\r\nHost: ${new URL(target.webUrl).host}\r\n\r\n`);
        await raw.answer(12);
        return raw;
      };
      const raws = await Promise.all(range(count).map(goIn));
      const comeBack = vanish(target.from);
      try {
        for (const { socket } of raws) socket.destroy();
        const until = performance.now() + HELD_MS;
        while (heldFrom(target.from) > 0 && performance.now() < until) await sleep(DRIP_MS);
        return { attempts: count, gotIn: heldFrom(target.from) };
      } finally {
        comeBack();
      }
    },
    said: [
      { line: /^MQTT client fell silent/, offenders: 30 },
      { line: /it answered nothing for/, offenders: 30 },
    ],
  },
];

/** So many connections of one token, which may have a few more. */
const OF_ONE_TOKEN = 10;

/** Whoever attacks with many connections needs many tokens. */
const silentToken = (target: Target, index: number): Promise<string> =>
  target.token(`${target.operator}-${Math.floor(index / OF_ONE_TOKEN)}`, 'operator', [target.car]);
