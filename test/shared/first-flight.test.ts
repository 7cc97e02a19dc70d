/** What a peer says to a broker that has not said a word yet. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { createSignalling, type SignallingOptions } from '../../shared/signalling.ts';

/** Control packets (MQTT 3.1.1, table 2.1). */
const [CONNECT, PUBLISH, SUBSCRIBE] = [1, 3, 8];
const CONNACK = Buffer.from([0x20, 2, 0, 0]);

/** A server that answers nothing but what it is told to, and the types of the packets that it has got. */
async function silentBroker() {
  const sockets: Socket[] = [];
  let heard = Buffer.alloc(0);
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      heard = Buffer.concat([heard, data]);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    letIn: () => sockets.at(-1)?.write(CONNACK),
    /** Two bytes at least, then as many as the remaining length says (MQTT 3.1.1, 2.2.3). */
    packets(): number[] {
      const types: number[] = [];
      for (let at = 0; at + 2 <= heard.length; ) {
        types.push((heard[at] ?? 0) >> 4);
        let size = 0;
        let shift = 0;
        for (let more = true; more; shift += 7) {
          const byte = heard[++at] ?? 0;
          size += (byte & 127) << shift;
          more = byte > 127;
        }
        at += 1 + size;
      }
      return types;
    },
  };
}

function join(url: string, role: SignallingOptions['role'], announceAtOnce: boolean) {
  const announced: number[] = [];
  const signalling = createSignalling({
    url,
    room: 'car1',
    self: role === 'vehicle' ? 'car1' : 'op-1',
    role,
    filters: [],
    announceAtOnce,
    onMessage: () => {},
    onAnnounced: (epoch) => void announced.push(epoch),
    onState: () => {},
    onReplaced: () => {},
    clock: systemClock,
  });
  onTestFinished(() => signalling.close());
  return { signalling, announced };
}

test('an operator subscribes and announces itself in the flight of its CONNECT, once', async () => {
  const broker = await silentBroker();
  const { announced } = join(broker.url, 'operator', true);
  await expect.poll(broker.packets).toEqual([CONNECT, SUBSCRIBE, PUBLISH]);
  expect(announced).toEqual([]);
  broker.letIn();
  await expect.poll(() => announced.length).toBe(1);
  expect(broker.packets().filter((type) => type === PUBLISH).length).toBe(1);
});

test('one that is to stay unseen says no more than what it wants to hear, until it is told to', async () => {
  const broker = await silentBroker();
  const { signalling, announced } = join(broker.url, 'operator', false);
  await expect.poll(broker.packets).toEqual([CONNECT, SUBSCRIBE]);
  broker.letIn();
  await expect.poll(() => signalling.state.state).toBe('connected');
  expect(broker.packets()).not.toContain(PUBLISH);
  signalling.announce();
  await expect.poll(broker.packets).toContain(PUBLISH);
  expect(announced.length).toBe(1);
});

test('a vehicle looks what there is of it before it announces itself', async () => {
  const broker = await silentBroker();
  join(broker.url, 'vehicle', true);
  await expect.poll(broker.packets).toEqual([CONNECT, SUBSCRIBE]);
});
