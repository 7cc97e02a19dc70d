/** The server's MQTT side: the embedded broker with its listeners, or a watch over somebody else's. */
import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import mqtt, { MqttClient } from 'mqtt';
import type { Log } from '../shared/log.ts';
import type { Gate, GateListener } from './access/gate.ts';
import { createBroker } from './broker.ts';
import type { Guard } from './limits/guard.ts';
import type { HttpLimits } from './limits/http-limits.ts';
import { addressOf, listen, onlyAt } from './listening.ts';
import { createMqttTcp, createMqttTls } from './mqtt-tcp.ts';
import { attachMqttWebSocket, MQTT_PATH } from './mqtt-websocket.ts';
import type { Refuse } from './origins.ts';
import type { KeptTls } from './tls/kept-tls.ts';

/** Of the server's own MQTT connections. */
const KEEPALIVE_S = 10;
const RECONNECT_MS = 1_000;
const OWN_CLIENT_ID = 'plntry-server';
/** Of the connection within the process, which can't be lost on the way: a process may stand still for a while, s. */
const INNER_KEEPALIVE_S = 60;

export interface MqttSide {
  url: string;
  tlsUrl: string | null;
  pageUrl: string;
  /** The server's own connection. */
  client: MqttClient;
  /** How many clients there are; null when the broker is somebody else's. */
  clients(): number | null;
  notReady(): string | null;
  close(): Promise<void>;
}

/** As in serve.ts's options. */
export interface ListenOptions {
  host?: string | undefined;
  mqttHost: string;
  mqttPort?: number | undefined;
  mqttsPort?: number | undefined;
  answersAt?: ((address: string) => boolean) | undefined;
}

interface EmbeddedParts {
  http: HttpServer | HttpsServer;
  httpLimits: HttpLimits;
  guard: Guard;
  gateFor(listener: GateListener): Gate;
  tls: KeptTls | null;
  isRefused: Refuse;
}

export async function startEmbeddedBroker(
  { http, httpLimits, guard, gateFor, tls, isRefused }: EmbeddedParts,
  options: ListenOptions,
  log: Log,
): Promise<MqttSide> {
  const { host = '127.0.0.1', mqttHost, mqttPort = 1883, mqttsPort = 8883, answersAt } = options;
  const broker = await createBroker(guard, log, gateFor);
  const tcp = createMqttTcp(broker, guard);
  const secure = tls && createMqttTls(broker, guard, tls, log);
  const webSocket = attachMqttWebSocket(http, broker, guard, httpLimits, isRefused);
  if (secure && answersAt) onlyAt(secure.server, answersAt);
  try {
    await listen(tcp.server, mqttPort, mqttHost, '--mqtt-port', '--mqtt-host');
    if (secure) await listen(secure.server, mqttsPort, host, '--mqtts-port');
  } catch (error) {
    tcp.stop();
    await broker.close();
    throw error;
  }

  const client = new MqttClient(() => broker.open(), {
    // Nobody can know it, and take the server's place.
    clientId: `${OWN_CLIENT_ID}.${randomUUID()}`,
    protocolVersion: 4,
    keepalive: INNER_KEEPALIVE_S,
    reconnectPeriod: RECONNECT_MS,
  });
  client.on('error', (error) => log.warn({ reason: error.message }, 'the server’s own connection failed'));

  return {
    url: `mqtt://${addressOf(tcp.server, mqttHost)}`,
    tlsUrl: secure && `mqtts://${addressOf(secure.server, host)}`,
    pageUrl: MQTT_PATH,
    client,
    clients: broker.clients,
    notReady() {
      if (!tcp.server.listening) return 'the MQTT broker does not listen';
      return client.connected ? null : 'the server is not connected to its own broker';
    },
    async close() {
      tcp.stop();
      secure?.stop();
      client.end(true);
      // Close frames first: the broker then ends every connection, and publishes no wills.
      const farewell = webSocket.close();
      await broker.close();
      await Promise.all([farewell, tcp.close(), secure?.close()]);
    },
  };
}

export function watchExternalBroker(external: { url: string; pageUrl: string }, log: Log): MqttSide {
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
    tlsUrl: null,
    pageUrl: external.pageUrl,
    client,
    clients: () => null,
    notReady: () => (client.connected ? null : `the MQTT broker ${url} is not connected (${problem})`),
    close: () => client.endAsync(true),
  };
}

/** A URL as it may be shown and logged. */
function withoutPassword(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
