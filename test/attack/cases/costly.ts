/** What costs its sender little and a server much. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import {
  connectPacket,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../wire/packets.ts';
import { dial, knock, type Raw, range } from '../wire/raw.ts';
import { join } from '../witness.ts';
import { overWebSocket, upgrade } from './websocket.ts';

/** What the server allows unless configured otherwise: see broker/limits/limits.ts. */
const MOST_CONNECTIONS = 16;
const REQUESTS_A_SECOND = 400;
const BURST_S = 5;
/** How long an attack of this kind lasts, ms. */
const LASTS_MS = 5_000;

/** Who is read no more is asked again after this, ms. */
const DRAIN_MS = 200;

const PUBACK = Buffer.from([0x40, 2, 0, 1]);
/** Frames of a client with a mask of zeroes (RFC 6455, 5.2). */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const EMPTY = Buffer.from([0x82, 0x80, 0, 0, 0, 0]);

const login = async (target: Target, clientId: string) => ({
  clientId,
  username: 'x',
  password: await target.token(target.operator, 'operator', [target.car]),
});

/** Writes it again and again, as fast as it is taken, until the server has had enough, or time is up. */
async function hammer({ socket, closed }: Raw, piece: Buffer): Promise<void> {
  const until = performance.now() + LASTS_MS;
  while (!socket.destroyed && performance.now() < until) {
    if (socket.write(piece)) await sleep(0);
    else await once(socket, 'drain', { signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {});
  }
  socket.destroy();
  await closed;
}

const many = (packet: Buffer, times: number): Buffer => Buffer.concat(Array<Buffer>(times).fill(packet));

export const COSTLY: Attack[] = [
  {
    name: 'acknowledgements of what was never sent',
    tries: { full: 10, test: 4 },
    async run(target, tries) {
      const all = range(tries).map(async (index) => {
        const { raw } = await knock(target, await login(target, `A${index}-${target.operator}`));
        await hammer(raw, many(PUBACK, 10_000));
      });
      await Promise.all(all);
      return { attempts: tries, gotIn: 0 };
    },
    said: [{ line: /more than \d+ (messages|bytes) a second/, offenders: 3 }],
  },
  {
    name: 'all the connections that one token gets',
    tries: { full: 250, test: 60 },
    async run(target, tries) {
      const one = await login(target, '');
      const raws = await Promise.all(
        range(tries).map((index) => knock(target, { ...one, clientId: `C${index}-${target.operator}` })),
      );
      const letIn = raws.filter(({ code }) => code === 0).length;
      // Each of them asks for everything, and says as much as it may.
      const held = raws.filter(({ code }) => code === 0).map(({ raw }) => raw);
      for (const { socket } of held)
        socket.write(subscribePacket([`rooms/${target.car}/peers/+`], { qos: 0 }));
      const said = publishPacket(`rooms/${target.car}/peers/${target.operator}`, 'x'.repeat(200), { qos: 0 });
      for (let round = 0; round < 50; round++) {
        for (const { socket } of held) socket.write(said);
        await sleep(25);
      }
      for (const { raw } of raws) raw.socket.destroy();
      await Promise.all(raws.map(({ raw }) => raw.closed));
      return { attempts: tries, gotIn: Math.max(0, letIn - MOST_CONNECTIONS) };
    },
    said: [{ line: /it has \d+ connections already/ }],
  },
  {
    name: 'messages retained where nothing is to be kept',
    tries: { full: 2_000, test: 300 },
    async run(target, tries) {
      const kinds = ['sdp', 'ice', 'bye', 'report'];
      const raws = await Promise.all(
        kinds.map(
          async (kind) => (await knock(target, await login(target, `K${kind}-${target.operator}`))).raw,
        ),
      );
      for (const index of range(tries)) {
        const kind = kinds[index % kinds.length] ?? '';
        const topic = `rooms/${target.car}/${kind}/${target.operator}/${target.car}`;
        raws[index % kinds.length]?.socket.write(
          publishPacket(topic, 'x'.repeat(1_000), { qos: 1, retain: true }),
        );
        if (index % 20 === 0) await sleep(5);
      }
      for (const { socket } of raws) socket.write(PINGREQ);
      await sleep(500);
      const witness = await join(target, 'mon-y', await target.token('mon-y', 'monitor', ['*']));
      let kept = 0;
      witness.on('message', (topic, _payload, { retain }) => {
        if (retain && topic.includes(`/${target.operator}/`)) kept += 1;
      });
      await witness.subscribeAsync(`rooms/${target.car}/#`, { qos: 1 });
      await sleep(500);
      await witness.endAsync();
      for (const raw of raws) raw.socket.destroy();
      await Promise.all(raws.map(({ closed }) => closed));
      return { attempts: tries, gotIn: kept };
    },
    said: [{ line: /^retained message passed on, not kept/, offenders: 4 }],
  },
  {
    name: 'filters that match nothing, over much that is retained',
    tries: { full: 200, test: 40 },
    async run(target, tries) {
      const car = await join(target, target.car, await target.token(target.car, 'vehicle', [target.car]));
      await car.publishAsync(`rooms/${target.car}/offer`, 'x', { qos: 1, retain: true });
      const packet = subscribePacket(
        range(150).map((n) => `rooms/+/peers/op-${n}`),
        { qos: 0 },
      );
      const undo = unsubscribePacket(range(150).map((n) => `rooms/+/peers/op-${n}`));
      await Promise.all(
        range(Math.min(tries, MOST_CONNECTIONS)).map(async (index) => {
          const { raw } = await knock(target, await login(target, `W${index}-${target.operator}`));
          await hammer(raw, Buffer.concat([packet, undo]));
        }),
      );
      await car.publishAsync(`rooms/${target.car}/offer`, '', { qos: 1, retain: true });
      await car.endAsync();
      return { attempts: Math.min(tries, MOST_CONNECTIONS), gotIn: 0 };
    },
    said: [{ line: /more than \d+ (messages|bytes) a second|subscriptions/, offenders: 4 }],
  },
  {
    name: 'HTTP requests, one as soon as the other is answered',
    tries: { full: 500, test: 100 },
    async run(target, tries) {
      const request = `GET /healthz HTTP/1.1\r\nHost: ${new URL(target.webUrl).host}\r\n\r\n`;
      const until = performance.now() + LASTS_MS;
      let answered = 0;
      const raws = await Promise.all(range(tries).map(() => dial(target, 'web')));
      const startedAt = performance.now();
      for (const { socket } of raws) {
        socket.on('data', (data) => {
          if (data.includes('HTTP/1.1 200')) answered += 1;
          if (performance.now() < until) socket.write(request);
          else socket.destroy();
        });
        socket.write(request);
      }
      await sleep(LASTS_MS);
      for (const { socket } of raws) socket.destroy();
      await Promise.all(raws.map(({ closed }) => closed));
      const seconds = (performance.now() - startedAt) / 1_000;
      const most = REQUESTS_A_SECOND * (BURST_S + seconds + 1);
      return { attempts: tries, gotIn: Math.max(0, Math.round(answered - most)) };
    },
    said: [{ line: /more than \d+ HTTP requests a second/ }],
  },
  ...(['pongs', 'empty frames'] as const).map(
    (what): Attack => ({
      name: `WebSockets that carry nothing but ${what}`,
      tries: { full: 20, test: 6 },
      async run(target, tries) {
        const piece = many(what === 'pongs' ? PONG : EMPTY, 5_000);
        await Promise.all(
          range(tries).map(async (index) => {
            const { raw } = await upgrade(target);
            // Let in: a stranger is gone after five seconds in any case.
            raw.socket.write(
              overWebSocket(
                connectPacket({ ...(await login(target, `F${index}-${target.operator}`)), keepalive: 30 }),
              ),
            );
            await hammer(raw, piece);
          }),
        );
        return { attempts: tries, gotIn: 0 };
      },
      said: [{ line: /frames that carry nothing/ }],
    }),
  ),
];
