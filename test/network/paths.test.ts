/** From any network to any other: real browsers, real vehicles, real coturn, each behind what people have. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Coturn, startCoturn } from './coturn.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab, type NatKind } from './lab.ts';
import { listen, openConsole, startServer, startVehicle, trust } from './product.ts';

const SECRET = 'of the lab';
/** All that some networks let through; TURN over TLS is there, and pages and broker at the other address. */
const HTTPS_PORT = 443;

/** What the car is driven to. */
const SPEED_KMH = 5;

type Offer = keyof Coturn['urls'];

interface Case {
  vehicle: NatKind;
  operator: NatKind;
  offered: Offer[];
  /** As the vehicle publishes it. */
  path: RegExp;
  /** Type of the operator's end of the pair, from the browser's statistics. */
  here: RegExp;
  /** How the vehicle and the operator reach a relay of their own in that pair. */
  relays: RegExp;
  /** As the console has it. */
  words: RegExp;
}

/** Each starts a server, a vehicle and a browser. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describeInLab('paths', () => {
  let lab: Lab;
  let site: Host;
  let relay: Host;
  let coturn: Coturn;

  beforeAll(async () => {
    lab = await createLab();
    [site, relay] = await Promise.all([lab.publicHost('site'), lab.publicHost('relay')]);
    coturn = await startCoturn(relay, { listen: { udp: 3478, tcp: 3478, tls: HTTPS_PORT }, secret: SECRET });
  });
  afterAll(() => lab?.close());

  /** What the server is configured with to offer them. */
  function environment(offered: Offer[], secret = SECRET): Record<string, string> {
    const urls = (wanted: boolean) =>
      offered.filter((way) => (way === 'stun') === wanted).map((way) => coturn.urls[way]);
    return {
      PLNTRY_STUN_URLS: urls(true).join(),
      PLNTRY_TURN_URLS: urls(false).join(),
      PLNTRY_TURN_SECRET: urls(false).length > 0 ? secret : '',
    };
  }

  async function meet(vehicleNat: NatKind, operatorNat: NatKind, env: Record<string, string>) {
    const [server, garage, office] = await Promise.all([
      startServer(site, { port: HTTPS_PORT, env }),
      lab.host('garage', { nat: vehicleNat }),
      lab.host('office', { nat: operatorNat }),
    ]);
    onTestFinished(() => server.stop('SIGKILL'));
    const [vehicle, browser, heard] = await Promise.all([
      startVehicle(garage, { server, env: { NODE_EXTRA_CA_CERTS: coturn.certificate } }),
      office.chromium(trust(server)),
      listen(site, server),
    ]);
    onTestFinished(async () => {
      await Promise.all([heard.stop(), vehicle.stop('SIGKILL'), browser.close()]);
    });
    return { server, vehicle, heard, console: await openConsole(browser, server) };
  }

  test.each<Case>([
    {
      vehicle: 'none',
      operator: 'none',
      offered: [],
      // The browser hides its address behind a name (mDNS), so the vehicle knows it from its packets only.
      path: /^(host|prflx)$/,
      here: /^(host|prflx)$/,
      relays: /^none none$/,
      words: /^direct · UDP$/,
    },
    {
      vehicle: 'port-preserving',
      operator: 'port-preserving',
      offered: ['stun'],
      path: /^(srflx|prflx)$/,
      here: /^(srflx|prflx)$/,
      relays: /^none none$/,
      words: /^direct(, through NAT)? · UDP$/,
    },
    {
      vehicle: 'symmetric',
      operator: 'symmetric',
      offered: ['udp'],
      path: /^relay$/,
      // One relay is enough: the other end reaches it without one of its own.
      here: /^(host|srflx|prflx|relay)$/,
      relays: /^(udp none|none udp|udp udp)$/,
      words: /^relayed · UDP$/,
    },
    {
      vehicle: 'symmetric',
      operator: 'udp-blocked',
      offered: ['udp', 'tcp'],
      path: /^relay$/,
      here: /^relay$/,
      relays: /^(none|udp) tcp$/,
      words: /^relayed · TCP$/,
    },
    {
      vehicle: 'symmetric',
      operator: 'only-tcp-443',
      offered: ['tls'],
      path: /^relay$/,
      here: /^relay$/,
      relays: /^(none|tls) tls$/,
      words: /^relayed · TLS$/,
    },
  ])('vehicle $vehicle, operator $operator, offered $offered', async (wanted) => {
    const { heard, console } = await meet(wanted.vehicle, wanted.operator, environment(wanted.offered));
    await console.live();
    await console.drive();
    await heard.message(/\/telemetry$/, ({ values }) => speedOf(values) > SPEED_KMH);
    const link = await heard.message(/\/link\//);
    const here = (await console.pair())?.local;
    expect(link.path).toMatch(wanted.path);
    expect(here?.candidateType).toMatch(wanted.here);
    expect([link, here].map((end) => end?.relayProtocol ?? 'none').join(' ')).toMatch(wanted.relays);
    expect(await console.pathHere()).toMatch(wanted.words);
  });
});

const speedOf = (values: unknown) => Number((values as Record<string, unknown>)['Vehicle.Speed']);
