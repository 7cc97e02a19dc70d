/** The network in a box itself: routers, lines and coturn are what they are called. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCoturn, turnCredentials } from './coturn.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab, type NatKind } from './lab.ts';

const PROBE = fileURLToPath(new URL('./probe.ts', import.meta.url));
const ECHO_PORT = 4000;
const PACKET = 1200;

interface Answer {
  seen: string;
  ms: number;
}

describeInLab('the network in a box', () => {
  let lab: Lab;
  let here: Host;
  let there: Host;

  beforeAll(async () => {
    lab = await createLab();
    [here, there] = await Promise.all([lab.publicHost('here'), lab.publicHost('there')]);
    for (const host of [here, there]) await echo(host);
  });
  afterAll(() => lab?.close());

  const probe = async (host: Host, ...args: string[]) =>
    JSON.parse(await host.must(process.execPath, [PROBE, ...args]));
  const echo = async (host: Host, port = ECHO_PORT) => {
    const child = host.spawn(process.execPath, [PROBE, 'echo', String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout) await once(child.stdout, 'data');
  };
  const at = (host: Host) => `${host.address}:${ECHO_PORT}`;
  /** What two hosts of the internet answer to one socket; null is no answer. */
  const ask = (host: Host): Promise<[Answer | null, Answer | null]> =>
    probe(host, 'ask', at(here), at(there));
  const seen = async (host: Host) => (await ask(host)).map((answer) => answer?.seen.split(':') ?? null);
  const tcp = (host: Host, port: number): Promise<string> => probe(host, 'tcp', here.address, String(port));

  test('a host without NAT is seen with its own address', async () => {
    const host = await lab.host('direct', { nat: 'none' });
    const [first, second] = await seen(host);
    expect(first?.[0]).toBe(host.address);
    expect(second).toEqual(first);
  });

  test('a port-preserving NAT maps a socket to one port towards everybody', async () => {
    const host = await lab.host('port-preserving', { nat: 'port-preserving' });
    const [first, second] = await seen(host);
    expect(host.address).toMatch(/^10\./);
    expect(first?.[0]).toBe(host.publicAddress);
    expect(second).toEqual(first);
  });

  test('a symmetric NAT maps a socket to another port towards each', async () => {
    const host = await lab.host('symmetric', { nat: 'symmetric' });
    const [first, second] = await seen(host);
    expect(first?.[0]).toBe(host.publicAddress);
    expect(second?.[0]).toBe(host.publicAddress);
    expect(second?.[1]).not.toBe(first?.[1]);
  });

  test.each<[NatKind, string]>([
    ['udp-blocked', 'ECONNREFUSED'],
    ['only-tcp-443', 'timeout'],
  ])('%s: no answer by UDP; by TCP at 443; at another port %s', async (nat, another) => {
    const host = await lab.host(nat, { nat });
    expect(await ask(host)).toEqual([null, null]);
    expect(await tcp(host, 443)).toBe('open');
    expect(await tcp(host, 80)).toContain(another);
  });

  test('from outside nothing comes in that nobody behind the NAT asked for', async () => {
    const host = await lab.host('closed', { nat: 'port-preserving' });
    await echo(host, 5000);
    expect(await probe(here, 'ask', `${host.publicAddress}:5000`)).toEqual([null]);
  });

  test('the delay counts each way', async () => {
    const host = await lab.host('far', { nat: 'symmetric', link: { delayMs: 40 } });
    for (const answer of await ask(host)) expect(answer?.ms).toBeGreaterThanOrEqual(80);
    await host.link.set({ delayMs: 0 });
    const [near] = await ask(host);
    expect(near?.ms).toBeLessThan(80);
  });

  test('more than the rate waits in the queue, and what does not fit there is lost', async () => {
    const host = await lab.host('narrow', { nat: 'none', link: { kbps: 2000, queueMs: 200 } });
    await probe(host, 'flood', at(here), '500', '4000');
    const { up, down } = await host.link.stats();
    expect(up.maxFillMs).toBeGreaterThan(190);
    expect(up.maxFillMs).toBeLessThanOrEqual(200);
    expect(up.longestFullMs).toBeGreaterThan(0);
    expect(down.maxFillMs).toBeLessThan(20);
    // 2 Mbit/s are 250 bytes per ms.
    const full = up.samples.filter(([, fill]) => fill > 180).slice(1);
    expect(full.length).toBeGreaterThan(0);
    for (const [, , bytes] of full) expect(Math.abs(bytes - 25_000)).toBeLessThanOrEqual(2 * PACKET);
    expect(up.queueDrops).toBeGreaterThan(100);
    expect(up.queueDrops + up.packets).toBeGreaterThanOrEqual(500 - 200 / 4.8);
  });

  test('20 Mbit/s go through, and nothing is lost', async () => {
    const host = await lab.host('fast', { nat: 'none', link: { delayMs: 1 } });
    await probe(host, 'flood', at(here), '4000', '20000');
    await ask(host);
    const { up } = await host.link.stats();
    expect(up.bytes).toBeGreaterThanOrEqual(4000 * PACKET);
    expect(up.queueDrops + up.lost).toBe(0);
  });

  test('of 5 % loss about that much is seen', async () => {
    const host = await lab.host('lossy', { nat: 'none', link: { lossPct: 5 } });
    await probe(host, 'flood', at(here), '4000', '20000');
    await host.link.set({ lossPct: 0 });
    await ask(host);
    const { up } = await host.link.stats({ reset: true });
    const share = up.lost / (up.lost + up.packets);
    // Six standard deviations around it.
    expect(share).toBeGreaterThan(0.029);
    expect(share).toBeLessThan(0.071);
    expect((await host.link.stats()).up.lost).toBe(0);
  });

  test.each([
    ['plain', {}],
    ['with a quality', { link: {} }],
  ])('a line that is %s can be cut and restored', async (_, options) => {
    const host = await lab.host('cut', { nat: 'symmetric', ...options });
    await host.link.cut();
    expect(await ask(host)).toEqual([null, null]);
    await host.link.restore();
    expect(await seen(host)).not.toContain(null);
  });

  test('addresses change, in front of a router, of it and without one; mappings are forgotten', async () => {
    const [direct, behind] = await Promise.all([
      lab.host('moves', { nat: 'none', link: {} }),
      lab.host('moves too', { nat: 'port-preserving' }),
    ]);
    const old = [direct.address, behind.address, behind.publicAddress];
    await direct.changeAddress();
    await behind.changeAddress();
    await behind.router?.changeAddress();
    await behind.router?.rebind();
    for (const address of [direct.address, behind.address, behind.publicAddress]) {
      expect(old).not.toContain(address);
    }
    expect((await seen(direct))[0]?.[0]).toBe(direct.address);
    const [first, second] = await seen(behind);
    expect(first?.[0]).toBe(behind.publicAddress);
    expect(second).toEqual(first);
  });

  test('coturn allocates for the right secret, over UDP, TCP and TLS, and answers 401 to a wrong one', async () => {
    const coturn = await startCoturn(there, {
      listen: { udp: 3478, tcp: 3478, tls: 5349 },
      secret: 'correct',
    });
    const client = await lab.host('client', { nat: 'symmetric' });
    const ways = { udp: [], tcp: ['-t'], tls: ['-t', '-S', '-p', '5349'] };
    for (const [way, args] of Object.entries(ways)) {
      for (const secret of ['correct', 'wrong']) {
        const peer = `${way}-${secret}`;
        const { username, credential } = turnCredentials(secret, peer, Math.floor(Date.now() / 1000) + 60);
        const child = client.spawn(
          'turnutils_uclient',
          ['-u', username, '-w', credential, '-y', ...args, there.address],
          { stdio: 'ignore' },
        );
        const outcome =
          secret === 'correct' ? 'ALLOCATE processed, success' : 'message processed, error 401: Unauthorized';
        await coturn.logged(new RegExp(`user <${username}>: incoming packet ${outcome}`));
        child.kill('SIGKILL');
      }
    }
    expect(coturn.log()).not.toMatch(/-wrong>: incoming packet ALLOCATE processed, success/);
    await coturn.restart();
    await coturn.stop();
  });
});
