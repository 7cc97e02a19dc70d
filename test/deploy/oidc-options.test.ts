/** Options of signing in. */
import { describe, expect, test } from 'vitest';
import { type ServeFlags, serveCommand, serverOptions } from '../../deploy/command-serve.ts';
import { parseClaim, parseIssuer, parseScope } from '../../deploy/oidc-options.ts';

test.each([
  'https://id.example.org',
  'https://id.example.org/realms/fleet',
  'http://localhost:9000',
  'http://127.0.0.1:9000/x',
  'http://[::1]:9000',
])('%s is an issuer', (text) => {
  expect(parseIssuer(text)).toBe(text);
});

test.each([
  'http://id.example.org',
  'http://10.0.0.1',
  'http://localhost.example.org',
  'ftp://id.example.org',
  'id.example.org',
  'https://me:secret@id.example.org',
  'https://id.example.org/?a=b',
  'https://id.example.org/#a',
  '',
])('%j is none', (text) => {
  expect(() => parseIssuer(text)).toThrow(
    "option '--oidc-issuer' (environment PLNTRY_OIDC_ISSUER) is not an address such as",
  );
  expect(() => parseIssuer(text)).not.toThrow('secret');
});

test('claims have no spaces, and scopes have openid among them', () => {
  expect(parseClaim('realm_access.roles')).toBe('realm_access.roles');
  expect(() => parseClaim('my groups')).toThrow('A claim has 1 to 128 characters');
  expect(parseScope(' openid  email ')).toBe('openid email');
  expect(() => parseScope('profile groups')).toThrow("'openid' has to be among the scopes.");
  expect(() => parseScope('openid "x"')).toThrow('no quotes');
});

describe('what the server is given', () => {
  const ISSUER = ['--oidc-issuer', 'https://id.example.org:8443/realms/fleet'];
  const CLIENT = ['--oidc-client-id', 'plntry'];
  const MAP = ['--oidc-map', 'drivers=operator:car*'];
  const PUBLIC = ['--public-url', 'https://fleet.example.org'];
  const GUARDED = ['--access', ...ISSUER, ...CLIENT, ...MAP];

  function signInOf(args: string[], variables: Record<string, string> = {}) {
    Object.assign(process.env, variables);
    try {
      const command = serveCommand().action(() => {});
      command.exitOverride().configureOutput({ writeErr() {} });
      command.parse(args, { from: 'user' });
      return serverOptions(command.opts<ServeFlags>()).signIn;
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
  }

  test('nothing without an issuer', () => {
    expect(signInOf(['--access'])).toBeUndefined();
    expect(signInOf([])).toBeUndefined();
  });

  test('defaults: the host as the name, groups, half a day', () => {
    expect(signInOf(GUARDED)).toEqual({
      issuer: 'https://id.example.org:8443/realms/fleet',
      clientId: 'plntry',
      secret: undefined,
      name: 'id.example.org:8443',
      claim: 'groups',
      mappings: [{ value: 'drivers', role: 'operator', room: 'car*' }],
      sessionS: 12 * 3_600,
    });
  });

  test('all of it from options and the environment', () => {
    const more = ['--oidc-name', 'Our ID', '--oidc-claim', 'realm_access.roles', '--oidc-scope', 'openid'];
    const environment = { PLNTRY_OIDC_CLIENT_SECRET: 'secret', PLNTRY_OIDC_SESSION: '30m' };
    const args = ['--host', '0.0.0.0', ...ISSUER, ...CLIENT, ...MAP, ...PUBLIC, ...more];
    expect(signInOf(args, environment)).toMatchObject({
      secret: 'secret',
      name: 'Our ID',
      claim: 'realm_access.roles',
      scope: 'openid',
      sessionS: 1_800,
    });
  });

  test.each<[string[], Record<string, string>, string]>([
    [['--access', ...CLIENT], {}, "option '--oidc-client-id' needs '--oidc-issuer' too."],
    [['--access', ...MAP], {}, "option '--oidc-map' needs '--oidc-issuer' too."],
    [['--access', '--oidc-session', '1h'], {}, "option '--oidc-session' needs '--oidc-issuer' too."],
    [
      ['--access'],
      { PLNTRY_OIDC_CLIENT_SECRET: 's' },
      "PLNTRY_OIDC_CLIENT_SECRET needs '--oidc-issuer' too.",
    ],
    [['--access', ...ISSUER, ...MAP], {}, "option '--oidc-issuer' needs '--oidc-client-id' too."],
    [['--access', ...ISSUER, ...CLIENT], {}, "option '--oidc-issuer' needs '--oidc-map' too"],
    [[...ISSUER, ...CLIENT, ...MAP], {}, "option '--oidc-issuer' needs access control"],
    [['--host', '0.0.0.0', '--insecure', ...ISSUER, ...CLIENT, ...MAP], {}, 'needs access control'],
    [['--host', '0.0.0.0', ...ISSUER, ...CLIENT, ...MAP], {}, "needs '--public-url' too"],
    [['--access', ...ISSUER, ...CLIENT, '--oidc-map', 'x=vehicle:car1'], {}, 'A vehicle is a program'],
    [
      ['--access', ...ISSUER, ...CLIENT, ...MAP, '--oidc-session', 'long'],
      {},
      "'long' is not a span of time",
    ],
    [['--access', ...ISSUER, ...CLIENT, ...MAP, '--oidc-name', ' '], {}, 'A name has 1 to 64 characters'],
  ])('not %j with %j', (args, environment, sentence) => {
    expect(() => signInOf(args, environment)).toThrow(sentence);
  });
});
