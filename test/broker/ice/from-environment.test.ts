/** What is configured by environment variables. */
import { describe, expect, test } from 'vitest';
import { type Environment, iceFromEnvironment } from '../../../broker/ice/from-environment.ts';
import { createIceServers } from '../../../broker/ice/ice-servers.ts';
import { systemClock } from '../../../shared/clock.ts';
import { recordLog } from '../../helpers/log.ts';
import { startService } from '../../helpers/service.ts';

const answerTo = (environment: Environment) =>
  createIceServers(
    iceFromEnvironment(environment, [], () => 0),
    systemClock,
    recordLog().log,
  ).iceServers('op-1');

test('nothing configured: no servers, and no warning', async () => {
  expect(await answerTo({})).toEqual({ iceServers: [], ttl: 3_600 });
});

test('STUN and TURN servers by their URLs', async () => {
  const answer = await answerTo({
    PLNTRY_STUN_URLS: 'stun:a.example.org, stun:b.example.org:3479',
    PLNTRY_TURN_URLS: 'turn:t.example.org?transport=udp,turns:t.example.org:443?transport=tcp',
    PLNTRY_TURN_USERNAME: 'me',
    PLNTRY_TURN_CREDENTIAL: 'mine',
    PLNTRY_ICE_TTL: '120',
  });
  expect(answer).toEqual({
    iceServers: [
      { urls: ['stun:a.example.org', 'stun:b.example.org:3479'] },
      {
        urls: ['turn:t.example.org?transport=udp', 'turns:t.example.org:443?transport=tcp'],
        username: 'me',
        credential: 'mine',
      },
    ],
    ttl: 120,
  });
});

test('a shared secret makes credentials for PLNTRY_ICE_TTL seconds', async () => {
  const { iceServers } = await answerTo({
    PLNTRY_TURN_URLS: 'turn:t.example.org',
    PLNTRY_TURN_SECRET: 'secret',
    PLNTRY_ICE_TTL: '300',
  });
  expect(iceServers[0]?.username).toBe('300:op-1');
});

test('every service by its variables, and each at the address that is configured', async () => {
  const turn = (path: string) => [{ urls: `turn:${path.split('/')[1]}`, username: 'u', credential: 'c' }];
  const service = await startService(({ path }) => ({
    body: path.startsWith('/2010')
      ? { ice_servers: turn(path), ttl: '3600' }
      : path.startsWith('/v1')
        ? { iceServers: turn(path) }
        : turn(path),
  }));
  const answer = await answerTo({
    PLNTRY_CLOUDFLARE_TURN_KEY_ID: 'k',
    PLNTRY_CLOUDFLARE_TURN_API_TOKEN: 't',
    PLNTRY_CLOUDFLARE_API_URL: service.url,
    PLNTRY_TWILIO_ACCOUNT_SID: 'AC1',
    PLNTRY_TWILIO_AUTH_TOKEN: 't',
    PLNTRY_TWILIO_API_URL: service.url,
    PLNTRY_METERED_APP: 'fleet.metered.live',
    PLNTRY_METERED_API_KEY: 'k',
    PLNTRY_METERED_API_URL: service.url,
  });
  expect(answer.iceServers.map(({ urls }) => [urls].flat()[0])).toEqual([
    'turn:v1',
    'turn:2010-04-01',
    'turn:api',
  ]);
});

describe('one clear sentence', () => {
  const cloudflare = 'PLNTRY_CLOUDFLARE_TURN_';
  test.each<[Environment, string]>([
    [
      { PLNTRY_STUN_URLS: 'stun.example.org' },
      "PLNTRY_STUN_URLS has 'stun.example.org', which is no URL like stun:host:3478.",
    ],
    [
      { PLNTRY_STUN_URLS: 'stun:a turn:b' },
      "PLNTRY_STUN_URLS has 'turn:b', which is no URL like stun:host:3478.",
    ],
    [
      { PLNTRY_TURN_URLS: 'turn:a?transport=sctp', PLNTRY_TURN_SECRET: 's' },
      "PLNTRY_TURN_URLS has 'turn:a?transport=sctp', which is no URL like turn:host:3478?transport=udp.",
    ],
    [
      { PLNTRY_TURN_URLS: 'turn:a' },
      'PLNTRY_TURN_URLS needs PLNTRY_TURN_SECRET too, or PLNTRY_TURN_USERNAME and PLNTRY_TURN_CREDENTIAL.',
    ],
    [
      { PLNTRY_TURN_URLS: 'turn:a', PLNTRY_TURN_USERNAME: 'u' },
      'PLNTRY_TURN_URLS needs PLNTRY_TURN_SECRET too, or PLNTRY_TURN_USERNAME and PLNTRY_TURN_CREDENTIAL.',
    ],
    [{ PLNTRY_TURN_SECRET: 'hush' }, 'TURN is given a login, but no PLNTRY_TURN_URLS.'],
    [
      { PLNTRY_TURN_URLS: 'turn:a', PLNTRY_TURN_SECRET: 'hush', PLNTRY_TURN_USERNAME: 'u' },
      'PLNTRY_TURN_SECRET and PLNTRY_TURN_USERNAME are both given; a TURN server has one.',
    ],
    [{ [`${cloudflare}KEY_ID`]: 'k' }, `${cloudflare}KEY_ID needs ${cloudflare}API_TOKEN too.`],
    [{ [`${cloudflare}API_TOKEN`]: 'hush' }, `${cloudflare}API_TOKEN needs ${cloudflare}KEY_ID too.`],
    [
      { [`${cloudflare}KEY_ID`]: 'k', [`${cloudflare}API_TOKEN`]: 'hu sh' },
      `${cloudflare}API_TOKEN has spaces or letters that no such key has.`,
    ],
    [{ PLNTRY_TWILIO_ACCOUNT_SID: 'AC1' }, 'PLNTRY_TWILIO_ACCOUNT_SID needs PLNTRY_TWILIO_AUTH_TOKEN too.'],
    [
      { PLNTRY_METERED_APP: 'app' },
      'PLNTRY_METERED_APP needs PLNTRY_METERED_SECRET_KEY or PLNTRY_METERED_API_KEY too.',
    ],
    [
      { PLNTRY_METERED_APP: 'app', PLNTRY_METERED_SECRET_KEY: 'hush', PLNTRY_METERED_API_KEY: 'hush' },
      'PLNTRY_METERED_SECRET_KEY and PLNTRY_METERED_API_KEY are both given; one is enough.',
    ],
    [
      { PLNTRY_METERED_APP: 'evil.example.org/', PLNTRY_METERED_API_KEY: 'hush' },
      'PLNTRY_METERED_APP is not the name of a metered.ca app.',
    ],
    [
      { PLNTRY_METERED_APP: 'app', PLNTRY_METERED_API_KEY: 'hush', PLNTRY_METERED_API_URL: 'ftp://a' },
      'PLNTRY_METERED_API_URL is not a URL that begins with http:// or https://.',
    ],
    [{ PLNTRY_ICE_TTL: '3601' }, 'PLNTRY_ICE_TTL is not a whole number of seconds from 60 to 3600.'],
    [{ PLNTRY_ICE_TTL: '1h' }, 'PLNTRY_ICE_TTL is not a whole number of seconds from 60 to 3600.'],
  ])('%j', (environment, sentence) => {
    expect(() => iceFromEnvironment(environment)).toThrow(new Error(sentence));
    expect(sentence).not.toMatch(/hu ?sh/);
  });
});
