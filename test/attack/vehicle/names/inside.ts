/**
 * In a network of its own, of one machine: a broker that is not on loopback, a car, an operator of its fleet who says
 * hostile candidates only, a name server that counts what it is asked, and a socket that counts what gets to it.
 * Prints what was counted. See outside.ts.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { systemClock } from '../../../../shared/clock.ts';
import { createOperatorEnd } from '../../../../shared/operator-end.ts';
import type { CreatePeer } from '../../../../shared/peer.ts';
import { keyStore, testFleet } from '../../../helpers/keys.ts';
import { weriftOperator } from '../../../helpers/werift-peer.ts';
import { newCarFolder, startCar } from '../car.ts';
import { hostileCandidates } from './candidates.ts';
import type { Counted } from './outside.ts';

const [address = '', watchMs = ''] = process.argv.slice(2);
const ROOM = 'car8';
/** What the operator's stack asks for, which runs in this network too. */
const OPERATORS = 'stun.l.google.com';
const counted: Counted = { said: 0, answered: false, queries: [], datagrams: 0 };

async function bound(type: 'udp4' | 'udp6', where: string, port: number): Promise<Socket> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' });
  socket.bind(port, where);
  await once(socket, 'listening');
  return socket;
}

/** The name of a question (RFC 1035, section 4.1.2). */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; (query[at] ?? 0) > 0; at += 1 + (query[at] ?? 0))
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  return labels.join('.');
}

async function countQueries(): Promise<void> {
  const server = await bound('udp4', address, 53);
  server.on('message', (query, from) => {
    const name = nameIn(query);
    if (name !== OPERATORS) counted.queries.push(name);
    // There is no such name.
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8183, 2);
    server.send(answer, from.port, from.address);
  });
}

async function countDatagrams(): Promise<number> {
  const four = await bound('udp4', '0.0.0.0', 0);
  const { port } = four.address();
  const six = await bound('udp6', '::', port);
  for (const socket of [four, six])
    socket.on('message', () => {
      counted.datagrams += 1;
    });
  return port;
}

async function startBroker(): Promise<string> {
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return `mqtt://${address}:${(server.address() as AddressInfo).port}`;
}

/** Says these candidates instead of its own: in its answer, and later. */
function saying(candidates: string[], createPeer: CreatePeer): CreatePeer {
  return (handlers) => {
    let said = false;
    const peer = createPeer({
      ...handlers,
      candidate() {
        if (said) return;
        said = true;
        counted.said = candidates.length;
        for (const candidate of candidates) handlers.candidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
      },
    });
    return {
      ...peer,
      async acceptOffer(sdp) {
        const answer = await peer.acceptOffer(sdp);
        counted.answered = true;
        return (
          answer +
          candidates
            .slice(0, 20)
            .map((one) => `a=${one}\r\n`)
            .join('')
        );
      },
    };
  };
}

await countQueries();
const candidates = hostileCandidates(await countDatagrams());
const mqttUrl = await startBroker();
const fleet = testFleet();
const folder = newCarFolder(ROOM);
const car = await startCar({ mqttUrl, room: ROOM, token: null, fleetKey: fleet.key }, folder);
// What it has looked up until now is its own affair.
counted.queries = [];
const end = createOperatorEnd({
  url: mqttUrl,
  room: ROOM,
  ...fleet.operator('op-lost'),
  createPeer: saying(candidates, weriftOperator({ packets: 0, nalTypes: new Set() })),
  arrival: 'entered',
  keys: keyStore(car.key),
  onView() {},
  onState() {},
  clock: systemClock,
});
await sleep(Number(watchMs));
await end.close();
await car.stop();
folder.remove();
process.stdout.write(JSON.stringify(counted), () => process.exit());
