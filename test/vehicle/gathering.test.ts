import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Candidate } from '../../shared/messages.ts';
import type { PeerReport } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { createPeerFactory } from '../../vehicle/webrtc/peer.ts';
import { freePort } from '../helpers/ports.ts';
import { startTurnServer } from '../helpers/turn-server.ts';

/** A vehicle's peer that gathers; resolves at the end of it. */
async function gather(iceServers: IceServer[]) {
  const peers = createPeerFactory({ iceServers: () => iceServers, notes: () => ['A note.'] });
  const candidates: Candidate[] = [];
  const reports: PeerReport[] = [];
  const done = Promise.withResolvers<void>();
  const peer = peers.create({
    candidate: (candidate) => (candidate ? candidates.push(candidate) : done.resolve()),
    report: (report) => reports.push(report),
    open: () => {},
    failed: () => {},
    message: () => {},
    mediaReady: () => {},
    keyFrameWanted: () => {},
  });
  onTestFinished(() => peer.close());
  await peer.createOffer();
  await done.promise;
  // The report of the last change comes a turn later.
  await new Promise(setImmediate);
  const report = reports.at(-1) as PeerReport;
  return { candidates, reports, report, answers: report.servers.map(({ ms: _ms, ...rest }) => rest) };
}

const login = { username: 'somebody', credential: 'something' };

test('every server is asked, over every transport, and its answer is told', async () => {
  const turn = await startTurnServer();
  const { report, answers } = await gather([
    { urls: turn.stun },
    ...turn.servers([turn.udp, turn.tcp]),
    ...turn.servers([turn.udp.replace('127.0.0.1', 'localhost')], 'another secret'),
    ...turn.servers([turn.tls]),
  ]);
  expect(answers).toEqual([
    { url: turn.stun, answer: 'ok' },
    { url: turn.udp, answer: 'ok' },
    { url: turn.tcp, answer: 'ok' },
    {
      url: turn.udp.replace('127.0.0.1', 'localhost'),
      answer: 'refused',
      code: 401,
      detail: 'Unauthorized',
    },
    { url: turn.tls, answer: 'unreachable', detail: 'its TLS certificate is self-signed' },
  ]);
  const relayed = report.gathered.filter(({ type }) => type === 'relay');
  expect(relayed.map(({ relayProtocol }) => relayProtocol).sort()).toEqual(['tcp', 'udp']);
  expect(report.gathered.some(({ type, family }) => type === 'host' && family === 'IPv4')).toBe(true);
  expect(report.notes).toEqual(['A note.']);
  expect(report.states.map(({ of, state }) => `${of} ${state}`)).toEqual([
    'gathering new',
    'ice new',
    'gathering gathering',
    'gathering complete',
  ]);
});

test('servers that are not there hold nothing up, and are called what they are', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const mute = createServer(() => {}).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  onTestFinished(() => void mute.close());
  const { port } = mute.address() as AddressInfo;
  const nobody = await freePort();
  const urls = [
    `stun:127.0.0.1:${silent.address().port}`,
    `turn:127.0.0.1:${silent.address().port}`,
    `turn:127.0.0.1:${nobody}`,
    `turn:127.0.0.1:${nobody}?transport=tcp`,
    `turn:127.0.0.1:${port}?transport=tcp`,
    `turns:127.0.0.1:${port}?transport=tcp`,
    'turn:turn.invalid:3478',
    'stuns:127.0.0.1',
    'turns:127.0.0.1?transport=udp',
  ];
  const { answers, reports } = await gather([{ urls, ...login }]);
  expect(Object.fromEntries(answers.map(({ url, answer, detail }) => [url, `${answer}: ${detail}`]))).toEqual(
    Object.fromEntries(
      [
        'unreachable: no answer',
        'unreachable: no answer',
        'unreachable: nothing listens there',
        'unreachable: nothing listens there',
        'unreachable: no answer',
        'unreachable: no answer',
        'unknown: this name has no address',
        'skipped: STUN over TCP or TLS tells nothing of UDP',
        'skipped: TURN over DTLS is not supported',
      ].map((said, index) => [urls[index], said]),
    ),
  );
  // The machine's own addresses were announced while all of the silent ones were waited for.
  const first = reports.find(({ gathered }) => gathered.some(({ type }) => type === 'host'));
  expect(first?.servers.filter(({ answer }) => answer === 'waiting')).toEqual(
    expect.arrayContaining(
      urls.filter((_url, at) => [0, 1, 4, 5].includes(at)).map((url) => ({ url, answer: 'waiting' })),
    ),
  );
});

test('without servers nobody is asked', async () => {
  const { candidates, answers } = await gather([]);
  expect(candidates.every(({ candidate }) => candidate.includes('typ host'))).toBe(true);
  expect(answers).toEqual([]);
});

test('what several servers say of the same socket is announced once', async () => {
  const turn = await startTurnServer();
  const other = await startTurnServer();
  const { candidates, answers } = await gather([{ urls: [turn.stun, other.stun] }]);
  expect(answers.map(({ answer }) => answer)).toEqual(['ok', 'ok']);
  const reflexive = candidates.filter(({ candidate }) => candidate.includes('typ srflx'));
  const seen = reflexive.map(({ candidate }) => candidate.split(' ').slice(4, 6).join(' '));
  expect(new Set(seen).size).toBe(seen.length);
});
