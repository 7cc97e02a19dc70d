/** TLS for pages and MQTT: what is spoken, which certificate, and who a client is by its own. */
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ServerOptions, startServer } from '../../broker/serve.ts';
import { validityProblem } from '../../broker/tls/certificate.ts';
import { keepTls } from '../../broker/tls/kept-tls.ts';
import { createAuthority, type Issued, testFolder } from '../helpers/certificates.ts';
import { spawnCli } from '../helpers/cli.ts';
import { type LogEntry, recordLog } from '../helpers/log.ts';
import { mosquittoPub, mosquittoSub } from '../helpers/mosquitto.ts';
import { connectMqtt, nextMessage } from '../helpers/mqtt-clients.ts';
import { parseMetrics } from '../helpers/prometheus.ts';

/** A server with a certificate of a new authority. */
async function secureServer(
  more: (authority: Authority) => Partial<ServerOptions & { clientCa: string }> = () => ({}),
) {
  const authority = await createAuthority();
  const issued = await authority.issue('server');
  const { log, entries, logged } = recordLog();
  const { clientCa, ...options } = more(authority);
  const tls = { cert: issued.cert, key: issued.key, clientCa };
  const server = await startServer({ port: 0, mqttPort: 0, mqttsPort: 0, tls, ...options }, log);
  onTestFinished(() => server.close());
  const ca = readFileSync(authority.ca, 'utf8');
  const ports = { web: portOf(server.webUrl), mqtts: portOf(server.mqttsUrl ?? '') };
  return { server, authority, issued, ca, ports, entries, logged };
}
type Authority = Awaited<ReturnType<typeof createAuthority>>;

const portOf = (url: string) => Number(new URL(url).port);

/** Shakes hands; resolves with the connection or rejects with why not. */
async function shake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'secureConnect');
  return socket;
}

function get(url: string, ca: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const asking = request(url, { ca, headers, agent: false }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
      asking.on('error', reject);
      asking.end();
    },
  );
}

/** Puts another certificate where one is, as renewals do. */
function replace(place: Pick<Issued, 'cert' | 'key'>, by: Issued): void {
  for (const which of ['cert', 'key'] as const) {
    copyFileSync(by[which], `${place[which]}.new`);
    renameSync(`${place[which]}.new`, place[which]);
  }
}

test('pages and MQTT speak TLS 1.2 and 1.3, and nothing older nor weaker', async () => {
  const { ca, ports } = await secureServer();
  for (const port of [ports.web, ports.mqtts]) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake(port, { ca, minVersion: version, maxVersion: version });
      expect([port, socket.getProtocol(), socket.authorized]).toEqual([port, version, true]);
    }
    // Security level 0: this client would.
    const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(shake(port, old)).rejects.toThrow(/protocol version|unsupported protocol/);
    const cbc = { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:AES128-SHA' } as const;
    await expect(shake(port, cbc)).rejects.toThrow(/handshake failure/);
  }
});

test('https answers with HSTS, http without', async () => {
  const { server, ca } = await secureServer();
  const { status, headers } = await get(server.webUrl, ca);
  expect([status < 600, headers['strict-transport-security']]).toEqual([true, 'max-age=31536000']);
  const plain = await startServer({ port: 0, mqttPort: 0 }, recordLog().log);
  onTestFinished(() => plain.close());
  const response = await fetch(`${plain.webUrl}/healthz`, { headers: { 'X-Forwarded-Proto': 'https' } });
  expect(response.headers.get('strict-transport-security')).toBe(null);
});

test('mosquitto_sub hears over TLS what a client publishes over wss, and plain MQTT is for this machine', async () => {
  const { server, authority, ca, ports } = await secureServer(() => ({ host: '0.0.0.0' }));
  expect(new URL(server.mqttUrl).hostname).toBe('127.0.0.1');
  const subscriber = await mosquittoSub(ports.mqtts, 'rooms/#', '--cafile', authority.ca);
  const page = await connectMqtt(`wss://127.0.0.1:${ports.web}/mqtt`, { ca });
  await page.publishAsync('rooms/car1/lease', 'over wss');
  expect(await subscriber.next()).toBe('rooms/car1/lease over wss');
  await mosquittoPub(ports.mqtts, 'rooms/car1/lease', 'over mqtts', '--cafile', authority.ca);
  expect(await subscriber.next()).toBe('rooms/car1/lease over mqtts');
  const other = await createAuthority();
  await expect(
    mosquittoPub(ports.mqtts, 'rooms/car1/lease', 'x', '--cafile', other.ca, '--quiet'),
  ).rejects.toThrow('mosquitto_pub ended');
});

test('another certificate is used as soon as its files are there, and connections stay', async () => {
  const { server, authority, issued, ca, ports, logged } = await secureServer();
  const before = await connectMqtt(server.mqttsUrl ?? '', { ca });
  const client = await connectMqtt(`wss://127.0.0.1:${ports.web}/mqtt`, { ca });
  const next = await authority.issue('renewed');
  replace(issued, next);
  const { fields } = await logged(({ message }) => message.includes('has changed'));
  for (const port of [ports.web, ports.mqtts]) {
    const socket = await shake(port, { ca });
    expect(socket.getPeerCertificate().subject.CN).toBe('renewed');
    expect(socket.getPeerCertificate().fingerprint256).toBe(fields.fingerprint);
  }
  await before.subscribeAsync('rooms/#');
  const heard = nextMessage(before);
  await client.publishAsync('rooms/car1/lease', 'still here');
  expect((await heard).text).toBe('still here');
});

test('a new certificate that is no good is one warning, and the old one stays', async () => {
  const { authority, issued, ca, ports, entries, logged } = await secureServer();
  writeFileSync(issued.cert, 'not a certificate');
  const warning = await logged(({ level, message }) => level === 'warn' && message.includes('stays in use'));
  expect(warning.message).toBe(
    `The certificate '${issued.cert}' has no certificate in PEM form in it. The certificate of before stays in use.`,
  );
  expect((await shake(ports.web, { ca })).getPeerCertificate().subject.CN).toBe('server');
  // Something else in the folder: looked at again, and said no more.
  const other = await authority.issue('other');
  replace(issued, other);
  await logged(({ message }) => message.includes('has changed'));
  expect(entries.filter(({ message }) => message.includes('stays in use'))).toHaveLength(1);
});

test('files behind links that are swapped, as Kubernetes and certbot do it, are noticed too', async () => {
  const authority = await createAuthority();
  const folder = testFolder();
  const put = (name: string, { cert, key }: Issued) => {
    mkdirSync(join(folder, name));
    copyFileSync(cert, join(folder, name, 'tls.crt'));
    copyFileSync(key, join(folder, name, 'tls.key'));
  };
  put('first', await authority.issue('first'));
  put('second', await authority.issue('second'));
  symlinkSync('first', join(folder, 'data'));
  symlinkSync('data/tls.crt', join(folder, 'tls.crt'));
  symlinkSync('data/tls.key', join(folder, 'tls.key'));
  const { log, logged } = recordLog();
  const kept = keepTls({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }, log);
  onTestFinished(() => kept.close());
  const { fingerprint } = kept.facts();
  symlinkSync('second', join(folder, 'data.new'));
  renameSync(join(folder, 'data.new'), join(folder, 'data'));
  await logged(({ message }) => message.includes('has changed'));
  expect(kept.facts().fingerprint).not.toBe(fingerprint);
});

describe('what is wrong is said in one sentence', () => {
  test('before it starts', async () => {
    const authority = await createAuthority();
    const [one, other] = [await authority.issue('one'), await authority.issue('other')];
    const problem = (cert: string, key: string) => {
      try {
        keepTls({ cert, key }, recordLog().log).close();
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problem(one.cert, one.key)).toBeUndefined();
    expect(problem('/nowhere.pem', one.key)).toBe(
      "The certificate '/nowhere.pem' can't be read: there is no such file.",
    );
    expect(problem(one.cert, other.key)).toBe(
      `The key '${other.key}' does not fit the certificate '${one.cert}'.`,
    );
    expect(problem(one.cert, one.cert)).toBe(`The key '${one.cert}' is not a private key in PEM form.`);
    expect(problem(one.key, one.key)).toBe(
      `The certificate '${one.key}' has no certificate in PEM form in it.`,
    );
    const chain = join(authority.folder, 'chain.pem');
    writeFileSync(chain, readFileSync(authority.ca, 'utf8') + one.pem.cert);
    expect(problem(chain, one.key)).toBe(
      `The certificate '${chain}' is not in order: the server's own has to come first.`,
    );
    rmSync(one.key);
    expect(problem(one.cert, one.key)).toBe(`The key '${one.key}' can't be read: there is no such file.`);
  });

  test('when it ends soon, or is over', async () => {
    const now = Date.UTC(2026, 0, 1);
    const facts = (days: number) => ({ names: [], from: 0, until: now + days * 86_400_000, fingerprint: '' });
    expect(validityProblem(facts(15), now)).toBe(null);
    expect(validityProblem(facts(14), now)).toBe('The TLS certificate ends in 14 days, on 2026-01-15.');
    expect(validityProblem(facts(1), now)).toBe('The TLS certificate ends in 1 day, on 2026-01-02.');
    expect(validityProblem(facts(-1), now)).toBe(
      'The TLS certificate has expired on 2025-12-31: browsers and vehicles refuse it.',
    );
    const authority = await createAuthority();
    const { log, entries } = recordLog();
    keepTls(await authority.issue('old', { days: -2 }), log).close();
    expect(entries.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The TLS certificate has expired on /),
    ]);
  });
});

test('its names and its end are in the log, its end in /metrics', async () => {
  const { server, ca, entries } = await secureServer();
  const entry = entries.find(({ message }) => message === 'TLS certificate');
  expect(entry?.fields).toMatchObject({ names: ['127.0.0.1', 'localhost'] });
  const [sample] =
    parseMetrics((await get(`${server.webUrl}/metrics`, ca)).text).get(
      'plntry_tls_certificate_end_timestamp_seconds',
    )?.samples ?? [];
  const end = new Date((sample?.value ?? 0) * 1_000);
  expect(end.toISOString().slice(0, 10)).toBe(entry?.fields.until);
});

describe('a client certificate', () => {
  const knowing = () => secureServer(({ ca }) => ({ clientCa: ca }));
  const connected = (entry: LogEntry) =>
    entry.message === 'MQTT client connected' && entry.fields.transport === 'tls';

  test('of the authority names a vehicle', async () => {
    const { authority, ports, logged } = await knowing();
    const car = await authority.issue('car1');
    await mosquittoPub(ports.mqtts, 'x', 'y', '--cafile', authority.ca, '--cert', car.cert, '--key', car.key);
    expect((await logged(connected)).fields).toMatchObject({ certificate: 'car1' });
  });

  test.each([
    ['of another authority', 'car1', {}, true, /could not be verified/],
    ['that is over', 'car1', { days: -1 }, false, /CERT_HAS_EXPIRED/],
    ['whose name is no id', 'Car One', {}, false, /'Car One' is not an id/],
  ])('%s names nobody', async (_what, name, wanted, foreign, reason) => {
    const { server, authority, ca, logged } = await knowing();
    const { pem } = await (foreign ? await createAuthority() : authority).issue(name, wanted);
    await connectMqtt(server.mqttsUrl ?? '', { ca, ...pem });
    expect((await logged(connected)).fields).not.toHaveProperty('certificate');
    const warning = await logged(({ message }) => message.includes('does not count'));
    expect(warning.fields.reason).toMatch(reason);
  });

  test('lets its vehicle in without a token where others need one, and as nobody else', async () => {
    const data = testFolder();
    const { server, authority, ca } = await secureServer((authority) => ({
      clientCa: authority.ca,
      access: { data },
    }));
    const { pem } = await authority.issue('car1');
    const url = server.mqttsUrl ?? '';
    const online = await connectMqtt(url, { ca, ...pem, clientId: 'car1' });
    await online.publishAsync('rooms/car1/telemetry', '{}', { qos: 1 });
    // Not authorized (MQTT 3.1.1, table 3.1).
    await expect(connectMqtt(url, { ca, ...pem, clientId: 'car2' })).rejects.toMatchObject({ code: 5 });
    await expect(connectMqtt(url, { ca, clientId: 'car1' })).rejects.toMatchObject({ code: 5 });
    const stranger = await (await createAuthority()).issue('car1');
    await expect(connectMqtt(url, { ca, ...stranger.pem, clientId: 'car1' })).rejects.toMatchObject({
      code: 5,
    });
  });

  test('is not asked for without an authority, and not needed with one', async () => {
    const { server, ca, logged, entries } = await knowing();
    await connectMqtt(server.mqttsUrl ?? '', { ca });
    expect((await logged(connected)).fields).not.toHaveProperty('certificate');
    expect(entries.filter(({ level }) => level === 'warn')).toEqual([]);
    const none = await secureServer();
    const { pem } = await none.authority.issue('car1');
    await connectMqtt(none.server.mqttsUrl ?? '', { ca: none.ca, ...pem });
    expect((await none.logged(connected)).fields).not.toHaveProperty('certificate');
  });
});

test('a vehicle of a private authority: MQTT with its certificate, and ICE servers over https', async () => {
  const { server, authority, ca, logged } = await secureServer(({ ca }) => ({ clientCa: ca }));
  const car = await authority.issue('car1');
  const args = [
    '--room',
    'car1',
    '--broker',
    server.mqttsUrl ?? '',
    '--server',
    server.webUrl,
    '--no-drive-log',
  ];
  spawnCli([
    'vehicle',
    ...args,
    '--tls-ca',
    authority.ca,
    '--tls-client-cert',
    car.cert,
    '--tls-client-key',
    car.key,
  ]);
  const { fields } = await logged(
    ({ message, fields }) => message.endsWith('connected') && fields.client === 'car1',
  );
  expect(fields).toMatchObject({ transport: 'tls', certificate: 'car1' });
  const asked = parseMetrics((await get(`${server.webUrl}/metrics`, ca)).text)
    .get('plntry_http_request_duration_seconds')
    ?.samples.find(({ name, labels }) => name.endsWith('_count') && labels.route === '/api/ice');
  expect(asked).toMatchObject({ labels: { status: '2xx' } });
});

test('an emergency stop reaches a vehicle over wss of a private authority', async () => {
  const { server, authority, ports } = await secureServer();
  const broker = `wss://127.0.0.1:${ports.web}/mqtt`;
  const vehicle = spawnCli([
    'vehicle',
    '--room',
    'car1',
    '--broker',
    broker,
    '--no-drive-log',
    '--tls-ca',
    authority.ca,
  ]);
  await vehicle.printed(/broker: connected/);
  const stop = spawnCli(['estop', 'car1', '--broker', server.mqttsUrl ?? '', '--tls-ca', authority.ca]);
  expect((await stop.ended).status).toBe(0);
  const distrustful = spawnCli(['estop', 'car1', '--broker', server.mqttsUrl ?? '']);
  expect((await distrustful.ended).status).toBe(1);
  expect(distrustful.stderr()).toContain("can't be reached: unable to");
});

test('what is opened to another of the machine’s addresses than it answers at is closed', async () => {
  const { server, ca, ports } = await secureServer(() => ({
    host: '0.0.0.0',
    answersAt: (address) => address === '127.0.0.1',
  }));
  for (const port of [ports.web, ports.mqtts]) {
    await expect(shake(port, { ca, host: '127.0.0.2', servername: 'localhost' })).rejects.toThrow();
    expect((await shake(port, { ca })).authorized).toBe(true);
  }
  expect((await get(`${server.webUrl}/healthz`, ca)).status).toBe(200);
});
