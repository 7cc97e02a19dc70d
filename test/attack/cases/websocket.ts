/** WebSocket, by hand: upgrades that are none, frames that are none, and MQTT in a thousand pieces. */
import { randomBytes } from 'node:crypto';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { connectPacket } from '../wire/packets.ts';
import { dial, inParallel, type Raw, range } from '../wire/raw.ts';

/** Opcodes of RFC 6455, 5.2, and the bit that says that a frame is the last of its message. */
const OP = { more: 0x0, text: 0x1, binary: 0x2, reserved: 0x3, close: 0x8, ping: 0x9 } as const;
const FIN = 0x80;
const MASKED = 0x80;

/** @param claimed the length that the frame says it has @param masked as a client's frames must be */
function frame(first: number, payload: Buffer, { claimed = payload.length, masked = true } = {}): Buffer {
  const length = Buffer.alloc(9);
  length[0] = 127 | (masked ? MASKED : 0);
  length.writeBigUInt64BE(BigInt(claimed), 1);
  // A mask of nothing but zeroes leaves the payload as it is.
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(masked ? 4 : 0), payload]);
}

/** As a client would send it. */
export const overWebSocket = (packet: Buffer): Buffer => frame(FIN | OP.binary, packet);

function upgradeRequest(
  target: Target,
  { path = '/mqtt', headers = {} as Record<string, string> } = {},
): string {
  const lines = {
    Host: new URL(target.webUrl).host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'mqtt',
    ...headers,
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${text.join('')}\r\n`;
}

/** Asks for an upgrade, and resolves with the connection and the status of the answer. */
export async function upgrade(
  target: Target,
  options?: Parameters<typeof upgradeRequest>[1],
): Promise<{ raw: Raw; status: number }> {
  const raw = await dial(target, 'web');
  raw.socket.write(upgradeRequest(target, options));
  const status = Number((await raw.answer(12)).toString('latin1').split(' ', 2)[1]);
  return { raw, status };
}

/** Whether MQTT's CONNACK with the code 0 is in what the server sent. */
const letIn = (received: Buffer): boolean => received.includes(Buffer.from([0x20, 0x02, 0x00, 0x00]));

/** Opens a WebSocket as it should be, and sends something over it that should not. */
function bySending(
  name: string,
  make: (index: number) => Buffer[],
  said: Attack['said'],
  tries = { full: 300, test: 20 },
): Attack {
  return {
    name,
    tries,
    async run(target, count) {
      let gotIn = 0;
      await inParallel(range(count), 8, async (index) => {
        const { raw } = await upgrade(target);
        for (const bytes of make(index)) raw.socket.write(bytes);
        if (letIn(await raw.closed)) gotIn += 1;
      });
      return { attempts: count, gotIn };
    },
    said,
  };
}

const NO_TOKEN = connectPacket({ clientId: 'car1' });
const MIB = 2 ** 20;

export const WEBSOCKET: Attack[] = [
  {
    name: 'WebSocket upgrades without mqtt, of other paths and versions',
    tries: { full: 600, test: 40 },
    async run(target, tries) {
      const wrong = [
        { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
        { headers: { 'Sec-WebSocket-Protocol': 'mqttv3.1, amqp' } },
        { headers: { 'Sec-WebSocket-Version': '7' } },
        { headers: { 'Sec-WebSocket-Key': 'short' } },
        { path: '/' },
        { path: '/mqtt/../api/fleet' },
        { path: '/MQTT' },
        { path: '/mqtt%00' },
      ];
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const { raw, status } = await upgrade(target, wrong[index % wrong.length]);
        if (status === 101) gotIn += 1;
        raw.socket.destroy();
        await raw.closed;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^WebSocket without the mqtt subprotocol refused/ }],
  },
  bySending(
    'WebSocket frames that are too large, or say so',
    (index) => [
      index % 2 === 0
        ? frame(FIN | OP.binary, Buffer.alloc(MIB))
        : frame(FIN | OP.binary, Buffer.alloc(10), { claimed: 2 ** 40 }),
    ],
    [{ line: /^WebSocket closed: Max payload size exceeded/ }],
  ),
  bySending(
    'CONNECT without a token in a thousand fragments',
    () => {
      const bytes = Buffer.concat([NO_TOKEN, Buffer.alloc(1_000 - NO_TOKEN.length)]);
      return [
        Buffer.concat(
          Array.from(bytes, (byte, at) =>
            frame(
              (at === 0 ? OP.binary : OP.more) | (at === bytes.length - 1 ? FIN : 0),
              Buffer.from([byte]),
            ),
          ),
        ),
      ];
    },
    [{ line: /^MQTT (client|connection) refused: /, offenders: 2 }],
    { full: 100, test: 10 },
  ),
  bySending(
    'text, unmasked, reserved and orphaned frames',
    (index) => [
      [
        frame(FIN | OP.text, NO_TOKEN),
        frame(FIN | OP.binary, NO_TOKEN, { masked: false }),
        frame(FIN | OP.reserved, NO_TOKEN),
        frame(FIN | OP.more, NO_TOKEN),
        frame(FIN | 0x40 | OP.binary, NO_TOKEN),
        frame(FIN | OP.ping, Buffer.alloc(200)),
        frame(OP.close, Buffer.from([0x03])),
      ][index % 7] as Buffer,
    ],
    [{ line: /^WebSocket closed: /, offenders: 8 }],
  ),
];
