import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Gathered, PeerReport, ServerAnswer } from '../../shared/report.ts';
import { type Evidence, inOneText, verdict } from '../../shared/verdict.ts';
import {
  at,
  hidden,
  host,
  natted,
  ok,
  pair,
  refused,
  relay,
  report,
  STUN,
  say,
  silent,
  TCP,
  TLS,
  UDP,
  waiting,
} from './reported.ts';

describe('connected', () => {
  const connected = (vehicle: PeerReport | null, operator: PeerReport | null) =>
    say('connected', vehicle, operator);

  test('relayed: each end’s own way to the relay', () => {
    const vehicle = report([relay('udp')], [ok(UDP)], pair(relay('udp'), at('relay')));
    const operator = report([relay('tls')], [ok(TLS)], pair(relay('tls'), at('relay')));
    expect(connected(vehicle, operator)).toMatchObject({
      state: 'connected',
      code: 'relayed',
      end: null,
      title: 'Relayed: this browser over TLS and the vehicle over UDP, through turn.example.com.',
      advice: '',
      path: { kind: 'relay', vehicle: relay('udp'), operator: relay('tls') },
    });
  });

  test('relayed at one end, whose server is one of two', () => {
    const vehicle = report(host, [], pair(at('host'), at('relay')));
    const servers = [ok(TLS), ok('turns:other.example.com:443?transport=tcp')];
    const operator = report([relay('tls')], servers, pair(relay('tls'), at('host')));
    expect(connected(vehicle, operator).title).toBe('Relayed: this browser over TLS.');
  });

  test('direct, and what it would lack elsewhere', () => {
    const vehicle = report(host, [], pair(at('host'), at('host')));
    const said = connected(vehicle, report([hidden], [], pair(hidden, at('host'))));
    expect(said).toMatchObject({
      code: 'direct',
      end: 'both',
      title: 'Direct between the vehicle and this browser over UDP.',
      path: { kind: 'host' },
    });
    expect(said.detail).toContain('from most other networks it won’t');
    expect(said.advice).toContain('PLNTRY_TURN_URLS');
    const refusing = report(host, [refused(UDP)], pair(at('host'), at('host')));
    expect(connected(refusing, refusing)).toMatchObject({
      code: 'direct',
      detail: expect.stringContaining('refused their credentials (401)'),
    });
  });

  test('direct, and nothing to warn of: relays are there, or nobody needed to ask for them', () => {
    const vehicle = report([...host, relay('udp')], [ok(UDP)], pair(at('host'), at('host')));
    const operator = report(host, [{ url: UDP, answer: 'skipped' }], pair(at('host'), at('host')));
    expect(connected(vehicle, operator)).toMatchObject({ code: 'direct', end: null, detail: '', advice: '' });
  });

  test('through NAT, also where only the other end can know', () => {
    const vehicle = report(natted, [ok(STUN), ok(UDP)], pair(at('host'), at('srflx')));
    const operator = report(natted, [ok(STUN)], pair(at('srflx'), at('srflx')));
    expect(connected(vehicle, operator).path).toMatchObject({
      kind: 'srflx',
      vehicle: { type: 'srflx' },
      operator: { type: 'srflx' },
    });
    expect(connected(vehicle, operator).title).toContain('through NAT');
  });

  test('one end’s word is enough; without any it is connected all the same', () => {
    const vehicle = report(host, [ok(UDP)], pair(at('host'), at('relay')));
    expect(connected(vehicle, null)).toMatchObject({ code: 'relayed', title: 'Relayed: this browser.' });
    expect(connected(null, null)).toMatchObject({ state: 'connected', title: 'Connected.' });
  });
});

describe('checking', () => {
  test('says what it looks for', () => {
    expect(say('checking', null, report(host))).toMatchObject({
      state: 'checking',
      code: 'checking',
      title: 'Looking for a path between the vehicle and this browser.',
      detail: '',
    });
  });

  test('says at once what waiting will not change', () => {
    const said = say('checking', report(host, [waiting(UDP)]), report(host, [refused(UDP)]));
    expect(said).toMatchObject({ code: 'checking', end: 'operator' });
    expect(said.detail).toContain('refused its credentials (401)');
    expect(say('checking', report(host, [waiting(UDP)]), report(host, [silent(UDP)])).detail).toBe('');
  });
});

const anyGathered: fc.Arbitrary<Gathered> = fc.record(
  {
    type: fc.constantFrom('host', 'srflx', 'prflx', 'relay'),
    protocol: fc.constantFrom('udp', 'tcp'),
    family: fc.constantFrom('IPv4', 'IPv6', 'mDNS'),
    relayProtocol: fc.constantFrom('udp', 'tcp', 'tls'),
  },
  { requiredKeys: ['type', 'protocol', 'family'] },
);
const anyServer: fc.Arbitrary<ServerAnswer> = fc.record(
  {
    url: fc.oneof(
      fc.constantFrom(UDP, TCP, TLS, STUN, 'turn:other.example.com'),
      fc.stringMatching(/^[a-z:]*$/),
    ),
    answer: fc.constantFrom('waiting', 'ok', 'refused', 'unreachable', 'unknown', 'skipped'),
    code: fc.constantFrom(401, 403, 437, 486, 508),
    detail: fc.constantFrom('no answer', 'nothing listens there'),
  },
  { requiredKeys: ['url', 'answer'] },
);
const anyReport: fc.Arbitrary<PeerReport> = fc.record({
  gathered: fc.array(anyGathered, { maxLength: 5 }),
  servers: fc.array(anyServer, { maxLength: 6 }),
  states: fc.array(
    fc.record({
      at: fc.nat(),
      of: fc.constantFrom('gathering', 'ice', 'dtls', 'channels'),
      state: fc.constantFrom('checking', 'connected', 'completed', 'failed', 'open', 'closed'),
    }),
    { maxLength: 8 },
  ),
  pair: fc.option(fc.record({ local: anyGathered, remote: anyGathered })),
  notes: fc.array(fc.constantFrom('Twilio TURN refused the token (401). Check it.', 'Nobody answers.'), {
    maxLength: 2,
  }),
});
const anyEvidence: fc.Arbitrary<Evidence> = fc.record({
  vehicle: fc.option(anyReport),
  operator: fc.option(anyReport),
  phase: fc.constantFrom('checking', 'connected', 'failed'),
  reader: fc.constantFrom('vehicle', 'operator'),
});

/** Full stops and the like that end something. */
const ends = (text: string) => text.match(/[.!?](?= |$)/g)?.length ?? 0;

test('whatever is reported, there is one sentence; of a failure it names an end, and says what to do', () => {
  fc.assert(
    fc.property(anyEvidence, (evidence) => {
      const said = verdict(evidence);
      expect(said.state).toBe(evidence.phase);
      expect(said.title).toMatch(/^[A-Z].*\.$/);
      expect(ends(said.title)).toBe(1);
      expect(inOneText(said)).not.toMatch(/undefined|null|NaN|\s\s|\.\.| \./);
      if (said.state !== 'failed') return;
      expect(said.title).toMatch(/vehicle|this browser|the operator/i);
      expect(['vehicle', 'operator', 'both']).toContain(said.end);
      expect(said.advice).not.toBe('');
    }),
    { numRuns: 2_000 },
  );
});
