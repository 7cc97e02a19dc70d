import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { check } from '../../shared/messages.ts';
import { diagnose } from '../../vehicle/doctor/diagnosis.ts';
import { DoctorReportSchema, type Findings, type TriedServer } from '../../vehicle/doctor/findings.ts';
import { natOf } from '../../vehicle/doctor/nat.ts';
import { inWords } from '../../vehicle/doctor/words.ts';

const OWN = ['10.0.0.2:4000'];

describe('what the answers of several servers say of a NAT', () => {
  test.each([
    ['none', [{ to: 'a', from: '10.0.0.2:4000' }]],
    [
      'independent',
      [
        { to: 'a', from: '203.0.113.7:4000' },
        { to: 'b', from: '203.0.113.7:4000' },
      ],
    ],
    [
      'dependent',
      [
        { to: 'a', from: '203.0.113.7:4000' },
        { to: 'b', from: '203.0.113.7:4001' },
      ],
    ],
    ['unknown', [{ to: 'a', from: '203.0.113.7:4000' }]],
    [
      'unknown',
      [
        { to: 'a', from: '203.0.113.7:4000' },
        { to: 'a', from: '203.0.113.7:4000' },
      ],
    ],
  ])('%s', (nat, sights) => {
    expect(natOf(sights, OWN, true, true)).toBe(nat);
  });

  test('blocked, when only servers over TCP or TLS answer', () => {
    expect(natOf([], OWN, true, true)).toBe('blocked');
    expect(natOf([], OWN, true, false)).toBe('unknown');
    expect(natOf([], OWN, false, true)).toBe('unknown');
  });
});

const HOST = 'turn.example.org';
const relay = (
  transport: 'udp' | 'tcp' | 'tls',
  carries: TriedServer['carries'] = { relayed: true, direct: true },
): TriedServer => ({
  url: transport === 'tls' ? `turns:${HOST}:443?transport=tcp` : `turn:${HOST}:3478?transport=${transport}`,
  answer: 'ok',
  relayed: '203.0.113.9:50000',
  carries,
});
const silent = (url: string): TriedServer => ({ url, answer: 'unreachable', detail: 'no answer' });
const ok = (url: string) => ({ url, answer: 'ok', ms: 1 }) as const;

function findings(more: Partial<Findings> = {}): Findings {
  return {
    addresses: [{ name: 'eth0', address: '10.0.0.2', family: 'IPv4' }],
    broker: ok('mqtt://broker'),
    pages: { ice: ok('https://fleet/api/ice'), mqtt: ok('wss://fleet/mqtt') },
    servers: [relay('udp'), relay('tls')],
    nat: 'independent',
    warnings: [],
    ...more,
  };
}

describe('the diagnosis', () => {
  test.each<[string, Partial<Findings>, RegExp, RegExp]>([
    ['works', {}, /^It works: .* over UDP and TLS\.$/, /^$/],
    [
      'limited',
      { servers: [relay('udp')] },
      /not from networks that block UDP/,
      /turns:turn\.example\.org:443/,
    ],
    ['limited', { servers: [] }, /no TURN server is configured/, /PLNTRY_TURN_URLS/],
    ['limited', { servers: [], nat: 'dependent' }, /^It works only with peers that can be reached/, /./],
    ['limited', { warnings: ['Twilio refused.'] }, /with a warning: Twilio refused\.$/, /^$/],
    [
      'limited',
      {
        servers: [
          relay('udp', { relayed: true, direct: false }),
          relay('tls', { relayed: true, direct: false }),
        ],
      },
      /nobody without a relay of their own/,
      /49152/,
    ],
    [
      'limited',
      { servers: [relay('udp', { relayed: false, direct: false }), relay('tls')] },
      /^No packet came through the relay of turn\.example\.org:3478 \(UDP\)/,
      /firewall/,
    ],
    [
      'limited',
      { servers: [relay('udp'), relay('tls'), silent('stun:stun.example.org')] },
      /not all servers: stun\.example\.org:3478/,
      /PLNTRY_STUN_URLS/,
    ],
    [
      'works',
      {
        nat: 'blocked',
        servers: [silent('turn:turn.example.org'), relay('tls', { relayed: true, direct: false })],
      },
      /over TLS\.$/,
      /^$/,
    ],
    ['broken', { nat: 'blocked', servers: [silent('turn:turn.example.org')] }, /over UDP here/, /443/],
    [
      'broken',
      { nat: 'blocked', servers: [relay('tls', { relayed: false, direct: false })] },
      /^No packet came through/,
      /./,
    ],
    ['broken', { addresses: [] }, /no network address/, /./],
    [
      'broken',
      {
        broker: {
          url: 'mqtts://broker',
          answer: 'unreachable',
          detail: 'its TLS certificate is self-signed',
        },
      },
      /mqtts:\/\/broker can’t be reached: its TLS certificate is self-signed/,
      /NODE_EXTRA_CA_CERTS/,
    ],
    [
      'broken',
      { broker: { url: 'mqtt://broker', answer: 'refused', detail: 'it is not available (3)' } },
      /refused: it is not available/,
      /login/,
    ],
    [
      'broken',
      {
        broker: null,
        pages: { ice: { url: 'https://fleet/api/ice', answer: 'unknown' }, mqtt: ok('wss://f') },
      },
      /can’t be resolved/,
      /DNS/,
    ],
    [
      'limited',
      {
        pages: { ice: ok('https://fleet/api/ice'), mqtt: { url: 'wss://fleet/mqtt', answer: 'unreachable' } },
      },
      /^The broker of the pages wss:\/\/fleet\/mqtt can’t be reached/,
      /./,
    ],
  ])('%s: %o', (status, more, title, advice) => {
    const found = diagnose(findings(more));
    expect(found.title).toMatch(title);
    expect(found.advice).toMatch(advice);
    expect(found.status).toBe(status);
  });
});

test('the example in docs/doctor.md is what the doctor prints', () => {
  const doc = readFileSync(fileURLToPath(new URL('../../docs/doctor.md', import.meta.url)), 'utf8');
  const [, json = ''] = doc.match(/```json\n([^`]*)```/) ?? [];
  const parsed = check(DoctorReportSchema, JSON.parse(json));
  if (!parsed.ok) throw new Error(parsed.reason);
  const report = parsed.value;
  expect(diagnose(report.findings)).toEqual(report.diagnosis);
  const text = doc.match(/```text\n([^`]*)```/)?.[1];
  expect(inWords(report).trimEnd()).toBe(text?.trimEnd());
});
