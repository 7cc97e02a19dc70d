/** From any network to any other: real browsers, real vehicles, real coturn, each behind what people have. */
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { type Coturn, startCoturn } from './coturn.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab, type NatKind } from './lab.ts';
import { listen, openConsole, startServer, startVehicle, trust } from './product.ts';

const SECRET = 'of the lab';
/** All that some networks let through: pages and broker are there, and TURN over TLS at another address. */
const HTTPS_PORT = 443;
const LISTEN = { udp: 3478, tcp: 3478, tls: HTTPS_PORT };
/** What the car is driven to. */
const SPEED_KMH = 5;

type Offer = keyof Coturn['urls'];

interface Networks {
  vehicle: NatKind;
  operator: NatKind;
  offered: Offer[];
}

interface Drives extends Networks {
  /** As the vehicle publishes it. */
  path: RegExp;
  /** Type of the operator's end of the pair, from the browser's statistics. */
  here: RegExp;
  /** How the vehicle and the operator reach a relay of their own in that pair. */
  relays: RegExp;
  /** The verdict on the console. */
  code: string;
  says: RegExp;
}

interface Fails extends Networks {
  what: string;
  /** That the server makes credentials with, if it isn't the TURN server's. */
  secret?: string;
  down?: true;
  /** On the console. */
  verdict: { code: string; end: 'vehicle' | 'operator' | 'both' };
  says: RegExp[];
}

/** Each starts a server, a vehicle and a browser. */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

describeInLab('paths', () => {
  let lab: Lab;
  let relay: Host;
  let coturn: Coturn;

  beforeAll(async () => {
    lab = await createLab();
    relay = await lab.publicHost('relay');
    coturn = await startCoturn(relay, { listen: LISTEN, secret: SECRET });
  });
  afterAll(() => lab?.close());

  /** A vehicle and an operator, each in a network of its kind, and a site of their own. */
  async function meet(
    { onTestFinished }: TestContext,
    networks: Pick<Networks, 'vehicle' | 'operator'>,
    env: Record<string, string>,
  ) {
    const [site, garage, office] = await Promise.all([
      lab.publicHost('site'),
      lab.host('garage', { nat: networks.vehicle }),
      lab.host('office', { nat: networks.operator }),
    ]);
    const server = await startServer(site, { port: HTTPS_PORT, env });
    onTestFinished(() => server.stop('SIGKILL'));
    const [vehicle, browser, heard] = await Promise.all([
      startVehicle(garage, { server, env: { NODE_EXTRA_CA_CERTS: coturn.certificate } }),
      office.chromium(trust(server)),
      listen(site, server),
    ]);
    onTestFinished(async () => {
      await Promise.all([heard.stop(), vehicle.stop('SIGKILL'), browser.close()]);
    });
    return { heard, console: await openConsole(browser, server) };
  }

  test.for<Drives>([
    {
      vehicle: 'none',
      operator: 'none',
      offered: [],
      // The browser hides its address behind a name (mDNS), so the vehicle knows it from its packets only.
      path: /^(host|prflx)$/,
      here: /^(host|prflx)$/,
      relays: /^none none$/,
      code: 'direct',
      says: /Direct between .* over UDP/,
    },
    {
      vehicle: 'port-preserving',
      operator: 'port-preserving',
      offered: ['stun'],
      path: /^(srflx|prflx)$/,
      here: /^(srflx|prflx)$/,
      relays: /^none none$/,
      code: 'direct',
      says: /Direct(, through NAT,)? between .* over UDP/,
    },
    {
      vehicle: 'symmetric',
      operator: 'symmetric',
      offered: ['udp'],
      path: /^relay$/,
      // One relay is enough: the other end reaches it without one of its own.
      here: /^(host|srflx|prflx|relay)$/,
      relays: /^(udp none|none udp|udp udp)$/,
      code: 'relayed',
      says: /Relayed: .* over UDP/,
    },
    {
      vehicle: 'symmetric',
      operator: 'udp-blocked',
      offered: ['udp', 'tcp'],
      path: /^relay$/,
      here: /^relay$/,
      relays: /^(none|udp) tcp$/,
      code: 'relayed',
      says: /Relayed: this browser over TCP/,
    },
    {
      vehicle: 'symmetric',
      operator: 'only-tcp-443',
      offered: ['tls'],
      path: /^relay$/,
      here: /^relay$/,
      relays: /^(none|tls) tls$/,
      code: 'relayed',
      says: /Relayed: this browser over TLS/,
    },
  ])('vehicle $vehicle, operator $operator, offered $offered: drives', async (wanted, context) => {
    const { heard, console } = await meet(context, wanted, environment(coturn, wanted.offered));
    await console.live();
    await console.drive();
    await heard.message(/\/telemetry$/, ({ values }) => speedOf(values) > SPEED_KMH);
    const link = await heard.message(/\/link\//);
    const here = (await console.pair())?.local;
    expect(link.path).toMatch(wanted.path);
    expect(here?.candidateType).toMatch(wanted.here);
    expect([link, here].map((end) => end?.relayProtocol ?? 'none').join(' ')).toMatch(wanted.relays);
    const verdict = await console.verdict('connected');
    expect(verdict.code).toBe(wanted.code);
    expect(verdict.text).toMatch(wanted.says);
  });

  // At once: they wait for the end of ICE, and use little while they do.
  test.concurrent.for<Fails>([
    {
      what: 'no TURN server',
      vehicle: 'symmetric',
      operator: 'symmetric',
      offered: ['stun'],
      verdict: { code: 'no-turn', end: 'both' },
      says: [/No TURN server/, /Set PLNTRY_TURN_URLS/],
    },
    {
      what: 'a wrong secret',
      vehicle: 'symmetric',
      operator: 'symmetric',
      offered: ['stun', 'udp', 'tcp'],
      secret: 'of another lab',
      verdict: { code: 'turn-refused', end: 'both' },
      says: [/refused their credentials \(401\)/, /Check PLNTRY_TURN_SECRET/],
    },
    {
      what: 'a TURN server that is down',
      vehicle: 'symmetric',
      operator: 'symmetric',
      offered: ['stun', 'udp', 'tcp', 'tls'],
      down: true,
      verdict: { code: 'turn-unreachable', end: 'both' },
      says: [/do not answer/, /See that the TURN server is running/],
    },
    {
      what: 'TURN over UDP only',
      vehicle: 'symmetric',
      operator: 'udp-blocked',
      offered: ['stun', 'udp'],
      verdict: { code: 'udp-blocked', end: 'operator' },
      says: [/This browser gets no UDP through its network/, /Add a TURN server over TLS/],
    },
  ])('vehicle $vehicle, operator $operator, $what: says so, and at which end', async (wanted, context) => {
    const turn = wanted.down ? await downTurn(lab) : coturn;
    const { console } = await meet(context, wanted, environment(turn, wanted.offered, wanted.secret));
    const verdict = await console.verdict('failed');
    context.expect(verdict).toMatchObject(wanted.verdict);
    for (const says of wanted.says) context.expect(verdict.text).toMatch(says);
  });
});

/** One that has been there. */
async function downTurn(lab: Lab): Promise<Coturn> {
  const coturn = await startCoturn(await lab.publicHost('gone'), { listen: LISTEN, secret: SECRET });
  await coturn.stop();
  return coturn;
}

/** What a server is configured with to offer these. */
function environment({ urls }: Coturn, offered: Offer[], secret = SECRET): Record<string, string> {
  const stun = offered.filter((way) => way === 'stun').map((way) => urls[way]);
  const turn = offered.filter((way) => way !== 'stun').map((way) => urls[way]);
  return {
    PLNTRY_STUN_URLS: stun.join(),
    PLNTRY_TURN_URLS: turn.join(),
    PLNTRY_TURN_SECRET: turn.length > 0 ? secret : '',
  };
}

const speedOf = (values: unknown) => Number((values as Record<string, unknown>)['Vehicle.Speed']);
