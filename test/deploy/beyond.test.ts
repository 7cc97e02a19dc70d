/** What the server says when it listens beyond this machine. */
import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { findLocalNetwork } from '../../broker/local-network.ts';
import { createAuthority } from '../helpers/certificates.ts';
import { spawnCli } from '../helpers/cli.ts';

test('beyond this machine there is access control, unless --insecure is said', async () => {
  const guarded = spawnCli(['serve', '--host', '0.0.0.0', '--port', '0', '--mqtt-port', '0']);
  await guarded.printed(/Access +only with a token/);
  const open = spawnCli(['serve', '--host', '0.0.0.0', '--port', '0', '--mqtt-port', '0', '--insecure']);
  await open.printed(/whoever reaches it can drive/);
});

const run = async (host: string, ...args: string[]) => {
  const cli = spawnCli(['serve', '--host', host, '--port', '0', '--mqtt-port', '0', ...args]);
  await cli.printed(/Stop +Ctrl-C/);
  return { log: cli.stderr(), text: cli.stdout() };
};

test('beyond this machine without TLS there is one warning', async () => {
  const plain = /in plain text: give --tls-cert .*--trust-proxy/g;
  expect((await run('0.0.0.0')).log.match(plain)).toHaveLength(1);
  const { cert, key } = await (await createAuthority()).issue('server');
  const tls = ['--tls-cert', cert, '--tls-key', key, '--mqtts-port', '0'];
  for (const more of [['--trust-proxy', '1'], ['--insecure'], tls])
    expect((await run('0.0.0.0', ...more)).log).not.toMatch(plain);
  expect((await run('127.0.0.1', '--access')).log).not.toMatch(plain);
});

test.each(['0.0.0.0', '::'])(
  'listening on %s the address in the local network is printed too',
  async (host) => {
    const { address } = await findLocalNetwork(null).catch(() => ({ address: '' }));
    const reached = isIP(address) === 4 || (isIP(address) === 6 && host === '::');
    const [, port, inNetwork] =
      /Open +http:\S+:(\d+)\n(?: +(http:\S+) from the network\n)?/.exec((await run(host)).text) ?? [];
    const name = isIP(address) === 6 ? `[${address}]` : address;
    expect(inNetwork).toBe(reached ? `http://${name}:${port}` : undefined);
    if (inNetwork) expect((await fetch(`${inNetwork}/healthz`)).status).toBe(200);
    expect((await run(host, '--public-url', 'http://a.example')).text).not.toContain('from the network');
  },
);
