import { expect, onTestFinished, test } from 'vitest';
import type { IceServer } from '../../shared/server-api.ts';
import { startTurnServer, type TurnServer } from '../helpers/turn-server.ts';
import { type Meeting, meet } from './operator-end.ts';

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

/** The vehicle has these servers, and only its relays are announced. */
const relayedVehicle = (servers: IceServer[]) =>
  meet({ iceServers: () => servers }, {}, { fromVehicle: isRelay, fromOperator: () => false });

test.each(['udp', 'tcp'] as const)(
  'a relay over %s carries data both ways, is counted and given back',
  async (way) => {
    const turn = await startTurnServer();
    const both = meet({ iceServers: () => turn.servers([turn[way]]) }, {}, { fromVehicle: isRelay });
    // What is announced of the operator is the permission; that it is reached there directly is prevented.
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
  const add = both.vehicle.peer.addCandidate;
  both.vehicle.peer.addCandidate = (candidate) =>
    add(candidate && { ...candidate, candidate: candidate.candidate.replace(/ \d+ typ/, ' 9 typ') });
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
  'two relays, of which the vehicle’s is over %s, and bytes count twice',
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
  },
);

test('nobody gets through a relay without the session’s password', async () => {
  const turn = await startTurnServer();
  const both = relayedVehicle(turn.servers([turn.udp]));
  onTestFinished(() => {});
  await both.vehicle.peer.createOffer();
  await expect.poll(() => both.vehicle.candidates.filter(isRelay), POLL).toHaveLength(1);
});
