import { createSocket } from 'node:dgram';
import { expect, onTestFinished, test } from 'vitest';
import { ATTRIBUTE, encodeStun, METHOD, stunMessage } from '../../vehicle/webrtc/stun.ts';
import { startTurnServer, type TurnServer } from '../helpers/turn-server.ts';
import { type Meeting, meet, vehiclePeer } from './operator-end.ts';

const POLL = { timeout: 15_000 };

const isRelay = (line: string) => line.includes('typ relay');

/** As werift takes them. */
const forOperator = (turn: TurnServer) => {
  const [{ username, credential } = { username: '', credential: '' }] = turn.servers([]);
  return { iceServers: [{ urls: turn.udp, username: username ?? '', credential: credential ?? '' }] };
};

async function connected({ vehicle, heard }: Meeting): Promise<void> {
  await vehicle.until('open');
  await heard();
}

const stats = ({ vehicle }: Meeting) => vehicle.peer.stats();

/** The operator's addresses let it through a relay, but nothing reaches it there: each is named with another port. */
function unreachable({ vehicle }: Meeting): void {
  const { addCandidate } = vehicle.peer;
  vehicle.peer.addCandidate = (candidate) =>
    addCandidate(candidate && { ...candidate, candidate: candidate.candidate.replace(/ \d+ typ/, ' 9 typ') });
}

test.each(['udp', 'tcp'] as const)(
  'a relay over %s carries data both ways, is counted and given back',
  async (way) => {
    const turn = await startTurnServer();
    const both = meet({ iceServers: () => turn.servers([turn[way]]) }, {}, { fromVehicle: isRelay });
    const add = both.vehicle.peer.addCandidate;
    both.vehicle.peer.addCandidate = (candidate) =>
      add(candidate && { ...candidate, candidate: candidate.candidate.replace(/ \d+ typ/, ' 9 typ') });
    await both.negotiate();
    await connected(both);
    const before = await stats(both);
    await both.heard();
    both.vehicle.peer.send('events', 'hello');
    await both.operator.channels.events.onMessage.asPromise();
    const after = await stats(both);
    expect(after).toMatchObject({ path: 'relay', protocol: 'udp', relayProtocol: way });
    expect(after?.relayBytes).toBeGreaterThan(before?.relayBytes ?? Number.POSITIVE_INFINITY);
    expect(after?.bytesSent).toBeGreaterThan(0);
    expect(after?.bytesReceived).toBeGreaterThan(before?.bytesReceived ?? Number.POSITIVE_INFINITY);
    expect(both.vehicle.reports.at(-1)?.pair?.local).toMatchObject({ type: 'relay', relayProtocol: way });

    const given = turn.prints(/refreshed, .*lifetime=0|lifetime=0/);
    both.vehicle.peer.close();
    await given;
  },
);

test('of relays over UDP and TCP, the one over UDP is used', async () => {
  const turn = await startTurnServer();
  const both = meet({ iceServers: () => turn.servers([turn.tcp, turn.udp]) }, {}, { fromVehicle: isRelay });
  unreachable(both);
  await both.negotiate();
  await connected(both);
  await expect.poll(async () => (await stats(both))?.relayProtocol, POLL).toBe('udp');
});

test('a direct path is used although there is a relay', async () => {
  const turn = await startTurnServer();
  const both = meet({ iceServers: () => turn.servers([turn.udp]) });
  await both.negotiate();
  await connected(both);
  await expect.poll(() => stats(both), POLL).toMatchObject({ path: 'host', relayBytes: 0 });
  expect((await stats(both))?.relayProtocol).toBeUndefined();
});

test('a relay of the operator is enough, and its bytes count once', async () => {
  const turn = await startTurnServer();
  const both = meet({}, { ...forOperator(turn), iceTransportPolicy: 'relay' }, { fromOperator: isRelay });
  await both.negotiate();
  await connected(both);
  await both.heard();
  const now = await stats(both);
  expect(now).toMatchObject({ path: 'relay' });
  expect(now?.relayProtocol).toBeUndefined();
  expect(now?.relayBytes).toBeGreaterThan(0);
  expect(now?.relayBytes).toBeLessThanOrEqual((now?.bytesSent ?? 0) + (now?.bytesReceived ?? 0));
});

test.each(['udp', 'tcp'] as const)(
  'of relays at both ends, the vehicle’s over %s, one is enough, and bytes count once',
  async (way) => {
    const turn = await startTurnServer();
    const both = meet(
      { iceServers: () => turn.servers([turn[way]]) },
      { ...forOperator(turn), iceTransportPolicy: 'relay' },
      { fromVehicle: isRelay, fromOperator: isRelay },
    );
    await both.negotiate();
    await connected(both);
    await expect.poll(() => stats(both), POLL).toMatchObject({ path: 'relay' });
    const now = await stats(both);
    expect(now?.relayBytes).toBe((now?.bytesSent ?? 0) + (now?.bytesReceived ?? 0));
  },
);

test('nobody gets through a relay without the session’s password', async () => {
  const turn = await startTurnServer();
  const both = meet({ iceServers: () => turn.servers([turn.udp]) }, {}, { fromVehicle: isRelay });
  unreachable(both);
  await both.negotiate();
  await connected(both);
  const [, , , , host = '', port = ''] = both.vehicle.candidates.find(isRelay)?.split(' ') ?? [];
  const before = (await stats(both))?.bytesReceived ?? 0;
  const stranger = createSocket('udp4');
  onTestFinished(() => void stranger.close());
  // From the operator's machine, whose address is let through by the server.
  const check = stunMessage(METHOD.BINDING, 'request');
  check.attributes.set(ATTRIBUTE.USERNAME, Buffer.from('some:body'));
  const noise = Buffer.alloc(500, 0x80);
  for (let times = 0; times < 50; times++) {
    for (const packet of [noise, encodeStun(check), encodeStun(check, Buffer.from('a guess'))]) {
      await new Promise((resolve) => stranger.send(packet, Number(port), host, resolve));
    }
  }
  await both.heard();
  expect(((await stats(both))?.bytesReceived ?? 0) - before).toBeLessThan(50 * noise.length);
  expect((await stats(both))?.path).toBe('relay');
});

test('a server that is started anew is told as lost, and who asks then gets a new relay', async () => {
  const turn = await startTurnServer();
  const [car, next] = [0, 1].map(() => vehiclePeer({ iceServers: () => turn.servers([turn.tcp]) }));
  await car?.peer.createOffer();
  const answer = () => car?.reports.at(-1)?.servers[0];
  await expect.poll(answer, POLL).toMatchObject({ answer: 'ok' });
  await turn.restart();
  await expect.poll(answer, POLL).toMatchObject({ answer: 'unreachable' });
  await next?.peer.createOffer();
  await expect.poll(() => next?.candidates.filter(isRelay), POLL).toHaveLength(1);
});
