import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Gathered,
  NOTHING_REPORTED,
  type PeerReport,
  type ServerAnswer,
  type StateChange,
} from '../../shared/report.ts';
import { type Evidence, inOneText, verdict } from '../../shared/verdict.ts';

const UDP = 'turn:turn.example.com:3478?transport=udp';
const TCP = 'turn:turn.example.com:3478?transport=tcp';
const TLS = 'turns:turn.example.com:443?transport=tcp';
const STUN = 'stun:turn.example.com:3478';

const at = (type: Gathered['type'], more: Partial<Gathered> = {}): Gathered => ({
  type,
  protocol: 'udp',
  family: 'IPv4',
  ...more,
});
const relay = (relayProtocol: 'udp' | 'tcp' | 'tls') => at('relay', { relayProtocol });
const hidden = at('host', { family: 'mDNS' });

const ok = (url: string): ServerAnswer => ({ url, answer: 'ok', ms: 20 });
const refused = (url: string, code = 401): ServerAnswer => ({ url, answer: 'refused', code });
const silent = (url: string): ServerAnswer => ({ url, answer: 'unreachable', detail: 'no answer for 5 s' });
const waiting = (url: string): ServerAnswer => ({ url, answer: 'waiting' });
const unknown = (url: string): ServerAnswer => ({ url, answer: 'unknown' });

const states = (...all: `${StateChange['of']} ${string}`[]): StateChange[] =>
  all.map((text, at) => ({
    at,
    of: text.split(' ')[0] as StateChange['of'],
    state: text.split(' ')[1] ?? '',
  }));

const report = (gathered: Gathered[], servers: ServerAnswer[] = [], more: Partial<PeerReport> = {}) => ({
  ...NOTHING_REPORTED,
  gathered,
  servers,
  ...more,
});
const pair = (local: Gathered, remote: Gathered) => ({ pair: { local, remote } });

function say(
  phase: Evidence['phase'],
  vehicle: PeerReport | null,
  operator: PeerReport | null,
  reader: Evidence['reader'] = 'operator',
) {
  return verdict({ vehicle, operator, phase, reader });
}
const failed = (
  ...[vehicle, operator, reader]: [PeerReport | null, PeerReport | null, Evidence['reader']?]
) => say('failed', vehicle, operator, reader);

const host = [at('host')];
const natted = [at('host'), at('srflx')];

describe('failed', () => {
  test('no TURN server at all', () => {
    const said = failed(report(natted, [ok(STUN)]), report(natted, [ok(STUN)]));
    expect(said).toMatchObject({ state: 'failed', code: 'no-turn', end: 'both' });
    expect(said.title).toBe(
      'No TURN server is configured, and the vehicle and this browser have only direct addresses, which can’t reach each other.',
    );
    expect(said.detail).toContain('Both are behind NATs');
    expect(said.advice).toContain('PLNTRY_TURN_URLS');
    expect(failed(report(host), report([hidden]))).toMatchObject({ code: 'no-turn', end: 'both' });
  });

  test('no TURN server at one end', () => {
    expect(failed(report(host), report([at('host'), relay('udp')], [ok(UDP)]))).toMatchObject({
      code: 'no-turn',
      end: 'vehicle',
      title: 'The vehicle has no TURN server, and no direct path to this browser works.',
    });
  });

  test('credentials refused at the vehicle: which server, which code, what to check', () => {
    const vehicle = report(natted, [refused(UDP), refused(TCP)]);
    const said = failed(vehicle, report([at('host'), relay('udp')], [ok(UDP)]));
    expect(said).toMatchObject({ code: 'turn-refused', end: 'vehicle', detail: 'This browser has a relay.' });
    expect(`${said.title} ${said.advice}`).toBe(
      'The vehicle got no relay candidate: turn.example.com refused its credentials (401). Check PLNTRY_TURN_SECRET.',
    );
  });

  test('credentials refused at both ends', () => {
    const both = report(natted, [refused(UDP)]);
    expect(failed(both, both)).toMatchObject({
      code: 'turn-refused',
      end: 'both',
      title:
        'Neither the vehicle nor this browser got a relay candidate: turn.example.com refused their credentials (401).',
    });
  });

  test.each([
    [403, 'forbids its relay (403)'],
    [486, 'has given all relays that its login may have (486)'],
    [508, 'has no relay left (508)'],
    [437, 'answered with an error (437)'],
  ])('refused for another reason: %s', (code, words) => {
    expect(failed(report(host, [refused(UDP, code)]), report(host, [ok(UDP)])).title).toContain(words);
  });

  test('a server that is down is unreachable from both', () => {
    const both = report(host, [silent(UDP), waiting(TCP)]);
    const said = failed(both, both);
    expect(said).toMatchObject({ code: 'turn-unreachable', end: 'both' });
    expect(said.title).toBe(
      'Neither the vehicle nor this browser got a relay candidate: turn.example.com:3478 (UDP and TCP) do not answer.',
    );
    expect(said.advice).toContain('running');
  });

  test('a server that answers one end, over TCP only', () => {
    const vehicle = report(host, [silent(TLS)]);
    const said = failed(vehicle, report([...host, relay('tls')], [ok(TLS)]));
    expect(said).toMatchObject({ code: 'turn-unreachable', end: 'vehicle' });
    expect(said.title).toBe(
      'The vehicle got no relay candidate: turn.example.com:443 (TLS) does not answer.',
    );
    expect(said.advice).toContain('this network seems to block it');
  });

  test('why it could not be reached, where that is known', () => {
    const bad: ServerAnswer = { url: TLS, answer: 'unreachable', detail: 'its TLS certificate has expired' };
    expect(failed(report(host, [bad]), report(host, [bad])).title).toContain(
      '(TLS) does not answer (its TLS certificate has expired).',
    );
  });

  test('UDP blocked at one end', () => {
    const operator = report([hidden], [silent(STUN), waiting(UDP)]);
    const said = failed(report([...natted, relay('udp')], [ok(STUN), ok(UDP)]), operator);
    expect(said).toMatchObject({ code: 'udp-blocked', end: 'operator' });
    expect(said.title).toBe(
      'This browser gets no UDP through its network: turn.example.com:3478 (UDP) answers the vehicle, but not this browser.',
    );
    expect(said.advice).toContain('turns:turn.example.com:443?transport=tcp');
  });

  test('a name that can’t be resolved', () => {
    const both = report(natted, [unknown(UDP), unknown(TLS)]);
    expect(failed(both, both)).toMatchObject({
      code: 'turn-unknown',
      title: expect.stringContaining('the name turn.example.com can’t be resolved.'),
    });
  });

  test('a provider that has failed, with its own words and advice', () => {
    const notes = ['Twilio TURN refused the auth token (401). Check PLNTRY_TWILIO_AUTH_TOKEN.'];
    const both = report(natted, [ok(STUN)], { notes });
    expect(failed(both, both)).toMatchObject({
      code: 'provider-failed',
      end: 'both',
      title: 'The vehicle and this browser got no TURN server: Twilio TURN refused the auth token (401).',
      advice: 'Check PLNTRY_TWILIO_AUTH_TOKEN.',
    });
  });

  test('what can be mended comes first, the other end’s trouble after it', () => {
    const said = failed(report(host, [silent(UDP)]), report(host, [refused(TLS)]));
    expect(said).toMatchObject({ code: 'turn-refused', end: 'operator' });
    expect(said.detail).toContain('The vehicle got no relay candidate: turn.example.com:3478 (UDP)');
  });

  test('servers that were not tried, and why', () => {
    const skipped: ServerAnswer = { url: TLS, answer: 'skipped', detail: 'there is no IPv6 here' };
    expect(failed(report(host, [skipped]), report(host, [skipped]))).toMatchObject({
      code: 'turn-untried',
      title: expect.stringContaining('(there is no IPv6 here)'),
    });
  });

  test('relays at both ends that are apart', () => {
    const both = report([...host, relay('udp')], [ok(UDP)]);
    expect(failed(both, both)).toMatchObject({ code: 'relays-apart', end: 'both' });
  });

  test('IPv6 here, IPv4 there, and no relay', () => {
    expect(failed(report([at('host', { family: 'IPv6' })]), report(host))).toMatchObject({
      code: 'ip-families',
      title: expect.stringContaining('The vehicle has IPv6 addresses only and this browser IPv4 ones'),
    });
  });

  test('two browsers that hide from each other', () => {
    expect(failed(report([hidden]), report([hidden]))).toMatchObject({ code: 'mdns-only' });
  });

  test('no network', () => {
    expect(failed(report([]), report(host))).toMatchObject({ code: 'no-address', end: 'vehicle' });
    expect(failed(report([], [silent(UDP)]), report(host)).code).toBe('no-address');
    expect(failed(report([], [refused(UDP)]), report(host)).code).toBe('turn-refused');
  });

  test('a path, but no keys', () => {
    const up = report(host, [], { states: states('ice checking', 'ice connected', 'dtls connecting') });
    const down = report(host, [], { states: states('ice completed', 'dtls failed') });
    expect(failed(up, down)).toMatchObject({ code: 'dtls-failed', end: 'operator' });
    expect(failed(up, up)).toMatchObject({ code: 'dtls-failed', end: 'both' });
  });

  test('keys, but no channels', () => {
    const up = report(host, [], { states: states('ice connected', 'dtls connected', 'channels connecting') });
    expect(failed(up, up)).toMatchObject({ code: 'channels-failed' });
  });

  test('a path that was there and is gone', () => {
    const gone = report(host, [], {
      states: states('ice connected', 'dtls connected', 'channels open', 'ice disconnected', 'ice failed'),
    });
    expect(failed(gone, gone)).toMatchObject({
      code: 'no-turn',
      detail: expect.stringContaining('They had been connected before.'),
    });
  });

  test('nothing heard from the vehicle', () => {
    expect(failed(null, report([...host, relay('udp')], [ok(UDP)]))).toMatchObject({
      code: 'nothing-heard',
      end: 'vehicle',
    });
    expect(failed(null, null)).toMatchObject({ code: 'nothing-heard', end: 'vehicle' });
    // What is known to be wrong here is worth more.
    expect(failed(null, report(host, [refused(UDP)]))).toMatchObject({
      code: 'turn-refused',
      end: 'operator',
    });
  });

  test('nobody lacks anything', () => {
    const both = report(host, [{ url: UDP, answer: 'ok' }]);
    expect(failed(both, both)).toMatchObject({ code: 'no-path', end: 'both' });
  });

  test('read at the vehicle, the words are its own', () => {
    const both = report(natted, [refused(UDP)]);
    expect(failed(both, report([...host, relay('udp')], [ok(UDP)]), 'vehicle').title).toBe(
      'This vehicle got no relay candidate: turn.example.com refused its credentials (401).',
    );
    expect(failed(null, null, 'vehicle')).toMatchObject({ end: 'operator' });
  });

  test('of many servers only some are named', () => {
    const many = [1, 2, 3, 4, 5].map((n) => silent(`turn:turn${n}.example.com`));
    expect(failed(report(host, many), report(host, many)).title).toContain(
      'turn1.example.com:3478 (UDP), turn2.example.com:3478 (UDP), turn3.example.com:3478 (UDP) and 2 more do not answer',
    );
  });
});

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
