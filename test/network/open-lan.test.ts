/** `--lan` in a network of its own: who is let in where. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../helpers/certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { describeInLab } from './describe-lab.ts';
import { createNamespace } from './namespace.ts';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const ENTRY = fileURLToPath(new URL('../../deploy/plntry.ts', import.meta.url));
const PROBE = fileURLToPath(new URL('lan-probe.ts', import.meta.url));

/** A machine with a private address by which it reaches the internet, and a public one. */
async function machine() {
  const namespace = await createNamespace();
  onTestFinished(() => namespace.close());
  await namespace.ip(
    ...['lan', 'public'].flatMap((name) => [
      `link add ${name} type veth peer name ${name}-far`,
      `link set ${name} up`,
      `link set ${name}-far up`,
    ]),
    'address add 192.168.7.5/24 dev lan',
    'address add 198.51.100.7/24 dev public',
    'route add default via 192.168.7.1',
  );
  const data = testFolder();
  return {
    namespace,
    data,
    run(...args: string[]) {
      const inherited = Object.entries(process.env).filter(([name]) => !/^(PLNTRY_|PORT$)/.test(name));
      const child = namespace.spawn(NODE, [ENTRY, ...args, '--data', data], {
        env: Object.fromEntries(inherited),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let printed = '';
      const watchers = new Set<() => void>();
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface(stream).on('line', (line) => {
          printed += `${line}\n`;
          for (const watcher of [...watchers]) watcher();
        });
      }
      return {
        printed: () => printed,
        says: (wanted: RegExp) =>
          eventually(
            watchers,
            () => printed.match(wanted) ?? undefined,
            () => `never said ${wanted}: ${printed}`,
          ),
      };
    },
    async probe(facts: object) {
      const env = { NODE_EXTRA_CA_CERTS: `${data}/lan/certificate.pem` };
      const { stdout, stderr } = await namespace.exec(NODE, [PROBE, JSON.stringify(facts)], { env });
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout);
    },
  };
}

describeInLab('plntry serve --lan', () => {
  test('answers over TLS at its private address, lets nobody in without a token, and prints invitations', async () => {
    const here = await machine();
    const server = here.run('serve', '--lan');
    await server.says(/Stop +Ctrl-C/);
    const links = [...server.printed().matchAll(/(https:\/\/\S+)\/join#(\S+)/g)];
    expect(links.map(([, base]) => base)).toEqual(['https://192.168.7.5:8080', 'https://192.168.7.5:8080']);
    // Into a pipe: no codes, no colours.
    expect(server.printed()).not.toMatch(/[▀▄█]/);

    const [[, base = '', token = ''] = []] = links;
    const closed = [
      '192.168.7.5:8080',
      '192.168.7.5:1883',
      '198.51.100.7:8080',
      '198.51.100.7:8883',
      '198.51.100.7:1883',
    ];
    const found = await here.probe({ base, token, mqttsUrl: 'mqtts://192.168.7.5:8883', closed });
    expect(found).toMatchObject({
      paths: { '/healthz': 200, '/api/ice': 401, '/metrics': 401 },
      fleet: { access: { you: null } },
      // Not authorized (MQTT 3.1.1, table 3.1).
      mqtts: 5,
      wss: 5,
      open: [],
      session: 200,
      cookie: expect.stringMatching(/^__Host-.*; HttpOnly; Secure; SameSite=Strict/),
    });
  });

  test('gets a certificate for another address as soon as it has one, of the same key', async () => {
    const here = await machine();
    const server = here.run('serve', '--lan');
    await server.says(/Stop +Ctrl-C/);
    await here.namespace.ip('address add 192.168.7.6/24 dev lan');
    await server.says(/has changed, and is in use/);
    const [, token = ''] = /join#(\S+)/.exec(server.printed()) ?? [];
    const base = 'https://192.168.7.6:8080';
    const found = await here.probe({ base, token, mqttsUrl: 'mqtts://192.168.7.6:8883', closed: [] });
    expect(found).toMatchObject({ mqtts: 5, session: 200 });
  });

  test('--lan with an address answers at that one alone, and says what does not go with it', async () => {
    const here = await machine();
    const server = here.run('serve', '--lan', '198.51.100.7');
    const [, base = '', token = ''] = await server.says(/(https:\/\/\S+)\/join#(\S+)/);
    await server.says(/Stop +Ctrl-C/);
    expect(base).toBe('https://198.51.100.7:8080');
    const closed = ['192.168.7.5:8080', '192.168.7.5:8883'];
    const found = await here.probe({ base, token, mqttsUrl: 'mqtts://198.51.100.7:8883', closed });
    expect(found).toMatchObject({ mqtts: 5, open: [], session: 200 });
    await here.run('serve', '--lan', '--insecure').says(/'--lan' and '--insecure' don't go together/);
    await here.run('serve', '--lan', '--host', '::').says(/'--lan' and '--host' don't go together/);
    await here.run('serve', '--lan', '192.0.2.99', '--port', '1').says(/192\.0\.2\.99/);
  });
});
