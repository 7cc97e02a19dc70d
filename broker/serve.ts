/** The whole server: web pages, and the embedded broker or a watch over an external one. */
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import type { FleetAnswer } from '../shared/server-api.ts';
import { createTopics, DEFAULT_ROOT } from '../shared/topics.ts';
import { type Access, type AccessOptions, createAccess } from './access/access.ts';
import { createFarewell, type Farewell } from './access/farewell.ts';
import { createGate, type Ended, type GateListener, OPEN_GATE } from './access/gate.ts';
import { createSignIn, type SignIn, type SignInOptions } from './access/oidc.ts';
import type { AccessRoutesOptions } from './access/routes.ts';
import { startCensus } from './census.ts';
import { createForwarded, type Trust } from './forwarded.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createHttpApp } from './http.ts';
import { createIceServers } from './ice/ice-servers.ts';
import { type IceSetup, MAX_TTL_S } from './ice/provider.ts';
import { addressKey } from './limits/addresses.ts';
import { createGuard } from './limits/guard.ts';
import { httpServerOptions, limitHttp } from './limits/http-limits.ts';
import { DEFAULT_LIMITS, type Limits } from './limits/limits.ts';
import { addressOf, listen, onlyAt } from './listening.ts';
import { isLoopback } from './loopback.ts';
import { createMetrics, type SeesRoom } from './metrics.ts';
import { startEmbeddedBroker, watchExternalBroker } from './mqtt-side.ts';
import { createSiteRules } from './origins.ts';
import { type KeptTls, keepTls, type TlsFiles } from './tls/kept-tls.ts';
import { type Budgets, NO_BUDGETS } from './usage/budget.ts';
import { type RelayUsage, startUsage, type UsageOptions } from './usage/usage.ts';
import { createVehicleKeys } from './vehicle-keys.ts';

const PAGES = fileURLToPath(new URL('../web/dist', import.meta.url));
/** How long requests that are being answered may take when the server closes. */
const REQUEST_GRACE_MS = 500;

export interface ServerOptions {
  /** Address to listen on; 127.0.0.1 unless given. */
  host?: string | undefined;
  /** Of pages and MQTT over WebSocket; 8080 unless given, 0 for a free one. */
  port?: number | undefined;
  /** Of MQTT over TCP; 1883 unless given, 0 for a free one. */
  mqttPort?: number | undefined;
  /** Address of MQTT over TCP without TLS: that of `host`, but with TLS only 127.0.0.1 unless given. */
  mqttHost?: string | undefined;
  /** Certificate for pages and MQTT; neither speaks TLS unless given. `hsts`: true unless given. */
  tls?: (TlsFiles & { hsts?: boolean }) | undefined;
  /** Of MQTT with TLS; 8883 unless given, 0 for a free one. */
  mqttsPort?: number | undefined;
  /** Where people reach it; what it listens on unless given. */
  publicUrl?: string | undefined;
  /** Origins of pages elsewhere that may use it. */
  allowOrigins?: string[] | undefined;
  /** Proxies whose headers are believed; none unless given. */
  trustProxy?: Trust | undefined;
  /** Of what `host` covers, the machine's own addresses at which it answers; all unless given. */
  answersAt?: ((address: string) => boolean) | undefined;
  /** MQTT topic root. */
  root?: string | undefined;
  /** What the fleet is called. */
  name?: string | undefined;
  /** File with the vehicles' public keys; see vehicle-keys.ts. */
  vehicleKeys?: string | undefined;
  /** Where ICE servers come from; none unless given. */
  ice?: IceSetup | undefined;
  /** Use this broker instead of the embedded one: its MQTT URL, and the ws(s) URL that pages connect to. */
  external?: { url: string; pageUrl: string } | undefined;
  /** Clear what dead vehicles left behind; true unless given. */
  housekeeping?: boolean | undefined;
  /** Of relayed data; none unless given. */
  budgets?: Budgets | undefined;
  /** Where counts of relayed data are kept; in memory only unless given. */
  data?: UsageOptions['data'];
  /** Those that are not the default. */
  limits?: Partial<Limits> | undefined;
  /** Folder with the built pages. */
  pages?: string | undefined;
  /** Who may come in; anybody unless given. */
  access?: Omit<AccessOptions, 'root'> | undefined;
  /** With what people sign in, where there is access control; only invitations let them in unless given. */
  signIn?: SignInOptions | undefined;
}

export interface RunningServer {
  /** `http://host:port`, or `https:`; from this machine. */
  webUrl: string;
  /** Where people reach it. */
  publicUrl: string;
  /** MQTT over TCP, or the external broker's URL without its password. */
  mqttUrl: string;
  /** By which vehicles know the fleet's operators; null when they need no pass. */
  fleetKey: string | null;
  /** Null when anybody may come in. */
  access: Access | null;
  /** MQTT with TLS; null without. */
  mqttsUrl: string | null;
  /** Lets everybody go, and stops. Takes no more than two seconds. */
  close(): Promise<void>;
}

/** @throws Error of one sentence when a port can't be listened on, or a file is of no use */
export async function startServer(options: ServerOptions, log: Log): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 8080, root = DEFAULT_ROOT, external } = options;
  // Not in the clear where somebody has taken the trouble of a certificate.
  const mqttHost = options.mqttHost ?? (options.tls ? '127.0.0.1' : host);
  const access = options.access ? createAccess({ ...options.access, root }, systemClock, log) : null;
  if (!access && ![host, mqttHost].every(isLoopback)) {
    log.warn({ host }, 'listening beyond this machine without access control: whoever reaches it can drive');
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = createMetrics(limits);
  const guard = createGuard({ limits, root, onHit: metrics.limitHit }, log);
  const vehicleKeys = options.vehicleKeys === undefined ? null : createVehicleKeys(options.vehicleKeys, log);
  const tls = options.tls ? keepTls(options.tls, log) : null;
  const http = createWebServer(tls, limits);
  const forwarded = createForwarded(options.trustProxy);
  const httpLimits = limitHttp(http, guard, options.trustProxy && forwarded.addressOf);
  const loopbackOnly = isLoopback(host);
  const site = createSiteRules({ ...options, loopbackOnly }, forwarded, guard.sayOnce);
  let closing = false;
  let farewell: Farewell | null = null;
  const onEnded = (ended: Ended) => {
    const { sub, role } = ended.grant;
    // Of a page that is long gone nobody wants to know.
    const level = census.sessionsOf(sub).length > 0 ? 'info' : 'debug';
    log[level]({ peer: sub, reason: ended.reason }, 'access is over');
    farewell?.say(sub, ended.reason);
    // What a vehicle was last is for the fleet to see; a page is gone.
    if (role === 'vehicle') return;
    for (const topic of guard.retained.topics(createTopics(root).presence('+', sub)))
      side.client.publish(topic, '', { qos: 1, retain: true });
  };
  let gate = OPEN_GATE;
  const gateFor = (listener: GateListener) => {
    if (access) gate = createGate(access, systemClock, onEnded, listener);
    return gate;
  };
  const parts = { http, httpLimits, guard, gateFor, tls, isRefused: site.upgrade };
  const side = external
    ? watchExternalBroker(external, log)
    : await startEmbeddedBroker(parts, { ...options, mqttHost }, log).catch((error) => {
        tls?.close();
        throw error;
      });
  const house = options.housekeeping === false ? null : startHousekeeping(side.client, root, log);
  const census = startCensus(side.client, root);
  if (access) {
    const { holders } = access;
    const holds = (peer: string) => gate.holds(peer);
    farewell = createFarewell({ client: side.client, census, root, holders, holds }, systemClock);
  }
  let signIn: SignIn | null = null;
  const stopListening = async () => {
    signIn?.close();
    farewell?.close();
    house?.close();
    census.close();
    access?.close();
    await usage?.close();
    await side.close();
    guard.close();
    tls?.close();
  };
  let usage: RelayUsage | null = null;
  try {
    const { budgets = NO_BUDGETS, data } = options;
    const onDropped = () => metrics.relayDropped.inc();
    usage = await startUsage(side.client, { root, budgets, data, onDropped }, log);
  } catch (error) {
    await stopListening();
    throw error;
  }
  const { counts } = usage;
  const metricsText = (sees: SeesRoom | null) => {
    const snapshot = {
      usage: counts(),
      mqttClients: side.clients(),
      used: guard.used(),
      certificateEnds: tls?.facts().until ?? null,
      ...census.count(sees),
    };
    return metrics.text(snapshot, sees);
  };
  const notReady = () => (closing ? 'the server is shutting down' : side.notReady());

  const fleet: FleetAnswer = { v: 1, root, mqtt: { url: side.pageUrl } };
  if (options.name !== undefined) fleet.name = options.name;
  if (access) fleet.fleetKey = access.passes.publicKey;
  const iceSetup = options.ice ?? { providers: [], ttl: MAX_TTL_S };
  const ice = createIceServers(iceSetup, systemClock, log, (provider) =>
    metrics.iceFailures.inc({ provider }),
  );
  // What is wrong with the configuration is logged now, and the first page doesn't wait for a service.
  void ice.iceServers('server');
  const webUrl = () => `${tls ? 'https' : 'http'}://${addressOf(http, host)}`;
  const publicUrl = () => options.publicUrl ?? webUrl();
  const accessRoutes: AccessRoutesOptions = {
    attempts: guard.attempts,
    log,
    onRefused({ ip: remote, originalUrl }, reason) {
      const path = originalUrl.replace(/\?.*/s, '');
      // What a provider says of it may be anything.
      const kind = reason.split(':', 1)[0]?.replace(/'.*'/g, '');
      guard.sayOnce(`sign-in ${addressKey(remote)} ${kind}`, { remote, path, reason }, 'sign-in refused');
    },
  };
  if (access && options.signIn) {
    const parts = { ...accessRoutes, access, base: publicUrl, clock: systemClock };
    signIn = createSignIn(options.signIn, parts);
  }
  const app = createHttpApp({
    fleet,
    vehicleKeys,
    ice,
    pages: options.pages ?? PAGES,
    notReady,
    metrics,
    metricsText,
    access: access && { ...accessRoutes, control: access, signIn },
    forwarded,
    refuse: site.request,
    onFailed: (path, kind, reason) => guard.sayOnce(`failed ${kind}`, { path, reason }, 'request failed'),
    hsts: options.tls?.hsts !== false,
  });
  http.on('request', httpLimits.handler(app));
  if (options.answersAt) onlyAt(http, options.answersAt);
  try {
    await listen(http, port, host, '--port');
  } catch (error) {
    await stopListening();
    throw error;
  }
  const mqttsUrl = side.tlsUrl;
  log.info(
    { webUrl: webUrl(), mqttUrl: side.url, ...(mqttsUrl ? { mqttsUrl } : {}), root },
    'server is ready',
  );

  return {
    webUrl: webUrl(),
    publicUrl: publicUrl(),
    mqttUrl: side.url,
    fleetKey: fleet.fleetKey ?? null,
    access,
    mqttsUrl,
    async close() {
      if (closing) return;
      closing = true;
      const stopped = new Promise<void>((resolve) => http.close(() => resolve()));
      const impatience = setTimeout(() => http.closeAllConnections(), REQUEST_GRACE_MS);
      await stopListening();
      await stopped;
      clearTimeout(impatience);
      log.info({}, 'server has stopped');
    },
  };
}

function createWebServer(tls: KeptTls | null, limits: Limits): HttpServer | HttpsServer {
  const options = httpServerOptions(limits);
  if (!tls) return createServer(options);
  const server = createHttpsServer({ ...options, handshakeTimeout: limits.connectSeconds * 1000 });
  tls.equip(server);
  return server;
}
