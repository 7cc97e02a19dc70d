import { describe, expect, test } from 'vitest';
import type { ServerAnswer } from '../../shared/report.ts';
import {
  at,
  failed,
  hidden,
  host,
  natted,
  ok,
  refused,
  relay,
  report,
  STUN,
  silent,
  states,
  TCP,
  TLS,
  UDP,
  unknown,
  waiting,
} from './reported.ts';

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
