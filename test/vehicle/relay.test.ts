import { expect, onTestFinished, test } from 'vitest';
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import { completeChecks } from '../../vehicle/webrtc/checks.ts';
import { pathStats } from '../../vehicle/webrtc/path-stats.ts';
import { type Prepared, prepare } from '../../vehicle/webrtc/prepared.ts';
import { startTurnServer, type TurnServer } from '../helpers/turn-server.ts';

type Kind = 'host' | 'srflx' | 'relay';

/** A vehicle that tells an operator of some of its candidates only, and uses those only. */
function meet(turn: TurnServer, urls: string[], kinds: Kind[], servers = turn.servers(urls)) {
  const vehicle = prepare({ iceServers: () => servers });
  const operator = new werift.RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    codecs: { video: [werift.useH264()] },
  });
  onTestFinished(async () => {
    vehicle.path.close();
    await Promise.all([vehicle.connection.close(), operator.close()]);
  });
  const channel = operator.createDataChannel('events', { ...CHANNELS.events, negotiated: true });
  operator.createDataChannel('control', { ...CHANNELS.control, negotiated: true });
  vehicle.path.ice.options.filterCandidatePair = ({ localCandidate }) =>
    kinds.includes(localCandidate.type as Kind);
  // werift does not begin anew by itself after a restart.
  completeChecks(operator.dtlsTransports[0] as werift.RTCDtlsTransport, () => {});
  const described = { vehicle: Promise.resolve(), operator: Promise.resolve() };
  vehicle.connection.onIceCandidate.subscribe(async (candidate) => {
    if (!candidate || !kinds.some((kind) => candidate.candidate?.includes(`typ ${kind}`))) return;
    await described.operator;
    await operator.addIceCandidate(candidate as werift.RTCIceCandidateInit);
  });
  // The operator's come before the vehicle has a relay.
  operator.onIceCandidate.subscribe(async (candidate) => {
    await described.vehicle;
    await vehicle.connection.addIceCandidate(candidate as werift.RTCIceCandidateInit);
  });
  /** Resolves when there is a path. */
  const negotiate = async (restart = false) => {
    const ends = [vehicle.connection, operator].map(({ iceTransports }) => iceTransports[0]?.connection);
    const connected = Promise.all(
      ends.map((ice) => ice?.stateChanged.watch((state) => state === 'connected')),
    );
    await vehicle.ready;
    const offer = await vehicle.connection.createOffer({ iceRestart: restart });
    void vehicle.connection.setLocalDescription(offer);
    described.operator = operator.setRemoteDescription(offer);
    await described.operator;
    const answer = await operator.createAnswer();
    described.vehicle = vehicle.connection.setRemoteDescription(answer);
    void operator.setLocalDescription(answer);
    await Promise.all([described.vehicle, connected]);
  };
  return { vehicle, channel, negotiate };
}

const open = (channel: werift.RTCDataChannel) =>
  channel.readyState === 'open' ? Promise.resolve() : channel.stateChanged.watch((state) => state === 'open');

async function heard(from: werift.RTCDataChannel, by: werift.RTCDataChannel): Promise<void> {
  const text = String(performance.now());
  const arrived = by.onMessage.watch((data) => String(data) === text);
  from.send(text);
  await arrived;
}

const stats = ({ path }: Prepared) => pathStats(path.ice, path.traffic);
const relayedPort = ({ path }: Prepared) =>
  path.ice.localCandidates.find(({ type }) => type === 'relay')?.port;

test.each(['udp', 'tcp'] as const)(
  'a relay over %s carries data both ways, and is counted',
  async (transport) => {
    const turn = await startTurnServer();
    const { vehicle, channel, negotiate } = meet(turn, [turn[transport]], ['relay']);
    await negotiate();
    await Promise.all([open(channel), open(vehicle.channels.events)]);
    await heard(channel, vehicle.channels.events);
    const before = stats(vehicle);
    await heard(vehicle.channels.events, channel);
    const after = stats(vehicle);
    expect(after).toMatchObject({ path: 'relay', protocol: 'udp', relayProtocol: transport });
    expect(after?.bytesSent).toBeGreaterThan(before?.bytesSent ?? 0);
    expect(after?.bytesReceived).toBeGreaterThan(0);
    expect(after?.relayBytes).toBeGreaterThan(before?.relayBytes ?? Number.POSITIVE_INFINITY);

    const given = turn.prints(/refreshed, .*lifetime=0|lifetime=0/);
    vehicle.path.close();
    await given;
  },
);

test('of relays over UDP and TCP, the one over UDP is used', async () => {
  const turn = await startTurnServer();
  const { vehicle, channel, negotiate } = meet(turn, [turn.tcp, turn.udp], ['relay']);
  await negotiate();
  await open(channel);
  await expect.poll(() => stats(vehicle)?.relayProtocol).toBe('udp');
});

test('a direct path is used although there is a relay', async () => {
  const turn = await startTurnServer();
  const { vehicle, channel, negotiate } = meet(turn, [turn.udp], ['host', 'relay']);
  await negotiate();
  await open(channel);
  await expect.poll(() => stats(vehicle)).toMatchObject({ path: 'host' });
  expect(stats(vehicle)?.relayProtocol).toBeUndefined();
});

test('a restart keeps the relay, and the count goes on', async () => {
  const turn = await startTurnServer();
  const { vehicle, channel, negotiate } = meet(turn, [turn.udp], ['relay']);
  await negotiate();
  await Promise.all([open(channel), open(vehicle.channels.events)]);
  const port = relayedPort(vehicle);
  const before = stats(vehicle);
  await negotiate(true);
  await heard(vehicle.channels.events, channel);
  await heard(channel, vehicle.channels.events);
  expect(relayedPort(vehicle)).toBe(port);
  expect(stats(vehicle)?.bytesSent).toBeGreaterThan(before?.bytesSent ?? Number.POSITIVE_INFINITY);
  expect(stats(vehicle)?.relayBytes).toBeGreaterThan(before?.relayBytes ?? Number.POSITIVE_INFINITY);
});

test('a restart gets a new relay from a server that has forgotten the old one', async () => {
  const turn = await startTurnServer();
  const { vehicle, channel, negotiate } = meet(turn, [turn.udp], ['relay']);
  await negotiate();
  await Promise.all([open(channel), open(vehicle.channels.events)]);
  const port = relayedPort(vehicle);
  await turn.restart();
  await negotiate(true);
  await heard(vehicle.channels.events, channel);
  expect(relayedPort(vehicle)).not.toBe(port);
});

test('a restart uses a login that was renewed since the session began', async () => {
  const turn = await startTurnServer();
  const servers = turn.servers([turn.udp], 'a secret of yesterday');
  const { vehicle, channel, negotiate } = meet(turn, [turn.udp], ['host', 'relay'], servers);
  await negotiate();
  await Promise.all([open(channel), open(vehicle.channels.events)]);
  await expect.poll(() => vehicle.path.gathering.answers()).toMatchObject([{ answer: 'refused', code: 401 }]);
  expect(relayedPort(vehicle)).toBeUndefined();
  servers.splice(0, 1, ...turn.servers([turn.udp]));
  await negotiate(true);
  await expect.poll(() => relayedPort(vehicle)).toEqual(expect.any(Number));
  await heard(vehicle.channels.events, channel);
});
