/** The vehicle's own way out of its network, and what `plntry doctor` says of it there. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { ServerAnswer } from '../../shared/report.ts';
import type { Nat } from '../../vehicle/doctor/findings.ts';
import { type Coturn, startCoturn } from './coturn.ts';
import { describeInLab } from './describe-lab.ts';
import { createLab, type Host, type Lab, type NatKind } from './lab.ts';
import {
  type Listener,
  listen,
  openConsole,
  runDoctor,
  type Server,
  startServer,
  startVehicle,
  trust,
} from './product.ts';

const SECRET = 'of the lab';
const HTTPS_PORT = 443;
/** What the car is driven to. */
const SPEED_KMH = 5;
/** Nobody has it. */
const DEAD = 'turn:198.51.100.250:3478?transport=udp';

type Offer = keyof Coturn['urls'];

/** Each starts a server, a vehicle and a browser. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describeInLab('the vehicle’s network', () => {
  let lab: Lab;
  let site: Host;
  let coturn: Coturn;
  let server: Server;

  beforeAll(async () => {
    lab = await createLab();
    const [first, relay] = await Promise.all([lab.publicHost('site'), lab.publicHost('relay')]);
    site = first;
    coturn = await startCoturn(relay, { listen: { udp: 3478, tcp: 3478, tls: HTTPS_PORT }, secret: SECRET });
  });
  afterAll(() => lab?.close());

  async function serve(offered: Offer[], dead: string[] = []): Promise<Server> {
    const turn = offered.filter((way) => way !== 'stun').map((way) => coturn.urls[way]);
    server = await startServer(site, {
      port: HTTPS_PORT,
      env: {
        PLNTRY_STUN_URLS: offered.includes('stun') ? (coturn.urls.stun ?? '') : '',
        PLNTRY_TURN_URLS: [...dead, ...turn].join(),
        PLNTRY_TURN_SECRET: turn.length > 0 ? SECRET : '',
      },
    });
    onTestFinished(() => server.stop('SIGKILL'));
    return server;
  }

  const env = () => ({ NODE_EXTRA_CA_CERTS: coturn.certificate });
  /** MQTT over WebSocket, at the port of the pages. */
  const webSocket = (at: Server) => `${at.url.replace('http', 'ws')}/mqtt`;

  /** An operator sees through the camera and drives. Resolves with what is heard at the broker. */
  async function drive(at: Server, vehicleNat: NatKind, operatorNat: NatKind): Promise<Listener> {
    const [garage, office] = await Promise.all([
      lab.host('garage', { nat: vehicleNat }),
      lab.host('office', { nat: operatorNat }),
    ]);
    const [vehicle, browser, heard] = await Promise.all([
      startVehicle(garage, { server: at, env: env(), args: ['--broker', webSocket(at)] }),
      office.chromium(trust(at)),
      listen(site, at),
    ]);
    onTestFinished(async () => {
      await Promise.all([heard.stop(), vehicle.stop('SIGKILL'), browser.close()]);
    });
    const console = await openConsole(browser, at);
    await console.live();
    await console.drive();
    await heard.message(/\/telemetry$/, ({ values }) => speedOf(values) > SPEED_KMH);
    return heard;
  }

  test.each<{ vehicle: NatKind; offered: Offer[]; way: string }>([
    { vehicle: 'udp-blocked', offered: ['udp', 'tcp'], way: 'tcp' },
    { vehicle: 'only-tcp-443', offered: ['udp', 'tcp', 'tls'], way: 'tls' },
  ])('a vehicle behind $vehicle is driven over its relay over $way', async ({ vehicle, offered, way }) => {
    const heard = await drive(await serve(offered), vehicle, 'symmetric');
    await heard.message(/\/link\//, ({ path, relayProtocol }) => path === 'relay' && relayProtocol === way);
    const { pair } = await heard.message(/\/report\/car1\//, (report) => report.pair !== null);
    expect(pair).toMatchObject({ local: { type: 'relay', relayProtocol: way } });
  });

  test('a dead server at the head of the list holds nothing up, and is named', async () => {
    const heard = await drive(await serve(['udp', 'tcp'], [DEAD]), 'symmetric', 'symmetric');
    await heard.message(/\/link\//, ({ path }) => path === 'relay');
    const answerOf = ({ servers }: Record<string, unknown>) =>
      (servers as ServerAnswer[]).find(({ url }) => url === DEAD)?.answer;
    await heard.message(/\/report\/car1\//, (report) => answerOf(report) === 'unreachable');
  });

  test.each<{ nat: NatKind; offered: Offer[]; says: Nat; title: RegExp; status: number }>([
    {
      nat: 'none',
      offered: ['stun', 'udp', 'tls'],
      says: 'none',
      title: /^It works: .*UDP and TLS/,
      status: 0,
    },
    { nat: 'port-preserving', offered: ['udp', 'tcp'], says: 'independent', title: /UDP and TCP/, status: 0 },
    { nat: 'symmetric', offered: ['udp', 'tls'], says: 'dependent', title: /UDP and TLS/, status: 0 },
    { nat: 'udp-blocked', offered: ['udp', 'tcp'], says: 'blocked', title: /relayed over TCP/, status: 0 },
    { nat: 'udp-blocked', offered: ['udp'], says: 'unknown', title: /does not answer/, status: 1 },
    { nat: 'only-tcp-443', offered: ['udp', 'tls'], says: 'blocked', title: /relayed over TLS/, status: 0 },
    { nat: 'symmetric', offered: [], says: 'unknown', title: /no TURN server is configured/, status: 1 },
  ])('the doctor behind $nat, offered $offered: $says', async ({ nat, offered, says, title, status }) => {
    const at = await serve(offered);
    const host = await lab.host('garage', { nat });
    const found = await runDoctor(host, { server: at, env: env(), args: ['--broker', webSocket(at)] });
    expect(found.report.findings.nat).toBe(says);
    expect(found.report.diagnosis.title).toMatch(title);
    expect(found.status).toBe(status);
  });
});

const speedOf = (values: unknown) => Number((values as Record<string, unknown>)['Vehicle.Speed']);
