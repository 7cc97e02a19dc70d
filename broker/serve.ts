/** The whole server: web pages, and the embedded broker or a watch over an external one. */
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import mqtt, { MqttClient } from 'mqtt';
import { systemClock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import type { FleetAnswer } from '../shared/server-api.ts';
import { DEFAULT_ROOT } from '../shared/topics.ts';
import { type Access, type AccessOptions, createAccess } from './access/access.ts';
import { sayFarewell } from './access/farewell.ts';
import { createGate, type Ended, OPEN_GATE } from './access/gate.ts';
import { createSignIn, type SignIn, type SignInOptions } from './access/oidc.ts';
import type { AccessRoutesOptions } from './access/routes.ts';
import { createBroker } from './broker.ts';
import { startCensus } from './census.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createHttpApp } from './http.ts';
import { createIceServers } from './ice/ice-servers.ts';
import { type IceSetup, MAX_TTL_S } from './ice/provider.ts';
import { isLoopback } from './loopback.ts';
import { createMetrics } from './metrics.ts';
import { createMqttTcp } from './mqtt-tcp.ts';
import { attachMqttWebSocket, MQTT_PATH } from './mqtt-websocket.ts';
import { type Budgets, NO_BUDGETS } from './usage/budget.ts';
import { type RelayUsage, startUsage, type UsageOptions } from './usage/usage.ts';

const PAGES = fileURLToPath(new URL('../web/dist', import.meta.url));
/** How long requests that are being answered may take when the server closes. */
const REQUEST_GRACE_MS = 500;
/** Of the server's own MQTT connections. */
const KEEPALIVE_S = 10;
const RECONNECT_MS = 1_000;
const OWN_CLIENT_ID = 'plntry-server';

const ANY_NUMBER = { allowed: () => ({ ok: true as const }), failed() {}, succeeded() {} };

export interface ServerOptions {
  /** Address to listen on; 127.0.0.1 unless given. */
  host?: string | undefined;
  /** Of pages and MQTT over WebSocket; 8080 unless given, 0 for a free one. */
  port?: number | undefined;
  /** Of MQTT over TCP; 1883 unless given, 0 for a free one. */
  mqttPort?: number | undefined;
  /** MQTT topic root. */
  root?: string | undefined;
  /** What the fleet is called. */
  name?: string | undefined;
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
  /** Folder with the built pages. */
  pages?: string | undefined;
  /** Who may come in; anybody unless given. */
  access?: Omit<AccessOptions, 'root'> | undefined;
  /** With what people sign in, where there is access control; only invitations let them in unless given. */
  signIn?: SignInOptions | undefined;
}

export interface RunningServer {
  /** `http://host:port` */
  webUrl: string;
  /** MQTT over TCP, or the external broker's URL without its password. */
  mqttUrl: string;
  /** Null when anybody may come in. */
  access: Access | null;
  /** Lets everybody go, and stops. Takes no more than two seconds. */
  close(): Promise<void>;
}

/** The MQTT side of the server. */
interface MqttSide {
  url: string;
  pageUrl: string;
  /** The server's own connection. */
  client: MqttClient;
  /** How many clients there are; null when the broker is somebody else's. */
  clients(): number | null;
  notReady(): string | null;
  close(): Promise<void>;
}

/** @throws Error of one sentence when a port can't be listened on */
export async function startServer(options: ServerOptions, log: Log): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 8080, root = DEFAULT_ROOT, external } = options;
  const access = options.access ? createAccess({ ...options.access, root }, systemClock, log) : null;
  if (!access && !isLoopback(host)) {
    log.warn({ host }, 'listening beyond this machine without access control: whoever reaches it can drive');
  }
  const http = createServer();
  let closing = false;
  const onEnded = (ended: Ended) => {
    log.info({ peer: ended.grant.sub, reason: ended.reason }, 'access is over');
    sayFarewell(ended, { client: side.client, census, root, now: Date.now() });
  };
  const side = external
    ? watchExternalBroker(external, log)
    : await startEmbeddedBroker(http, options, access, onEnded, log);
  const house = options.housekeeping === false ? null : startHousekeeping(side.client, root, log);
  const census = startCensus(side.client, root);
  const metrics = createMetrics();
  let signIn: SignIn | null = null;
  const stopListening = async () => {
    signIn?.close();
    house?.close();
    census.close();
    access?.close();
    await usage?.close();
    await side.close();
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
  const metricsText = () => metrics.text({ usage: counts(), mqttClients: side.clients(), ...census.count() });
  const notReady = () => (closing ? 'the server is shutting down' : side.notReady());

  const fleet: FleetAnswer = { v: 1, root, mqtt: { url: side.pageUrl } };
  if (options.name !== undefined) fleet.name = options.name;
  const iceSetup = options.ice ?? { providers: [], ttl: MAX_TTL_S };
  const ice = createIceServers(iceSetup, systemClock, log, (provider) =>
    metrics.iceFailures.inc({ provider }),
  );
  // What is wrong with the configuration is logged now, and the first page doesn't wait for a service.
  void ice.iceServers('server');
  const webUrl = () => `http://${addressOf(http, host)}`;
  const accessRoutes: AccessRoutesOptions = {
    attempts: ANY_NUMBER,
    onRefused: ({ ip, originalUrl }, reason) =>
      log.warn({ remote: ip, path: originalUrl.replace(/\?.*/s, ''), reason }, 'sign-in refused'),
  };
  if (access && options.signIn) {
    const base = () => options.signIn?.publicUrl ?? webUrl();
    signIn = createSignIn(options.signIn, { ...accessRoutes, access, base, clock: systemClock, log });
  }
  http.on(
    'request',
    createHttpApp(
      {
        fleet,
        ice,
        pages: options.pages ?? PAGES,
        notReady,
        metrics,
        metricsText,
        access: access && { ...accessRoutes, control: access, signIn },
      },
      log,
    ),
  );
  try {
    await listen(http, port, host, '--port');
  } catch (error) {
    await stopListening();
    throw error;
  }
  log.info({ webUrl: webUrl(), mqttUrl: side.url, root }, 'server is ready');

  return {
    webUrl: webUrl(),
    mqttUrl: side.url,
    access,
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

async function startEmbeddedBroker(
  http: HttpServer,
  options: ServerOptions,
  access: Access | null,
  onEnded: (ended: Ended) => void,
  log: Log,
): Promise<MqttSide> {
  const { host = '127.0.0.1', mqttPort = 1883 } = options;
  const broker = await createBroker(log, (listener) =>
    access ? createGate(access, systemClock, onEnded, listener) : OPEN_GATE,
  );
  const tcp = createMqttTcp(broker);
  const webSocket = attachMqttWebSocket(http, broker, log);
  try {
    await listen(tcp.server, mqttPort, host, '--mqtt-port');
  } catch (error) {
    await broker.close();
    throw error;
  }

  const client = new MqttClient(() => broker.open(), {
    clientId: OWN_CLIENT_ID,
    protocolVersion: 4,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: RECONNECT_MS,
  });
  client.on('error', (error) => log.warn({ reason: error.message }, 'the server’s own connection failed'));

  return {
    url: `mqtt://${addressOf(tcp.server, host)}`,
    pageUrl: MQTT_PATH,
    client,
    clients: broker.clients,
    notReady: () => (tcp.server.listening ? null : 'the MQTT broker does not listen'),
    async close() {
      tcp.stop();
      client.end(true);
      // Close frames first: the broker then ends every connection, and publishes no wills.
      const farewell = webSocket.close();
      await broker.close();
      await Promise.all([farewell, tcp.close()]);
    },
  };
}

function watchExternalBroker(external: { url: string; pageUrl: string }, log: Log): MqttSide {
  const url = withoutPassword(external.url);
  const client = mqtt.connect(external.url, {
    clientId: `${OWN_CLIENT_ID}-${Math.random().toString(36).slice(2, 10)}`,
    protocolVersion: 4,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: RECONNECT_MS,
  });
  let problem = 'not connected yet';
  // Said when it changes, not with every attempt.
  const setProblem = (text: string) => {
    if (text !== problem)
      log.warn({ broker: url, reason: text }, 'the external MQTT broker is not connected');
    problem = text;
  };
  client.on('connect', () => {
    problem = 'the connection was lost';
    log.info({ broker: url }, 'connected to the external MQTT broker');
  });
  client.on('error', (error) => setProblem(error.message || String((error as NodeJS.ErrnoException).code)));
  return {
    url,
    pageUrl: external.pageUrl,
    client,
    clients: () => null,
    notReady: () => (client.connected ? null : `the MQTT broker ${url} is not connected (${problem})`),
    close: () => client.endAsync(true),
  };
}

/** @throws Error of one sentence that names the port and the option that changes it */
function listen(server: Server, port: number, host: string, option: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const where = `port ${port} on ${host}`;
      if (error.code === 'EADDRINUSE') {
        reject(new Error(`${capital(where)} is already in use; choose another one with ${option}.`));
      } else if (error.code === 'EACCES') {
        reject(new Error(`No permission to listen on ${where}; choose another one with ${option}.`));
      } else {
        reject(new Error(`Can't listen on ${where}: ${error.message}; check --host and ${option}.`));
      }
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Host and port to reach a listening server at from this machine. */
function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** A URL as it may be shown and logged. */
function withoutPassword(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
