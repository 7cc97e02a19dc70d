/** Stops a vehicle over MQTT, and waits until it says so. */
import mqtt from 'mqtt';
import { buildMessage, parseMessage } from '../shared/messages.ts';
import { createTopics } from '../shared/topics.ts';

/** Who the vehicle says has stopped it. */
const FROM = 'command-line';

export interface EstopOptions {
  broker: string;
  /** Certificate to show to it. */
  tls?: { cert: string; key: string } | undefined;
  root: string;
  room: string;
  reason?: string | undefined;
  /** Of an operator or supervisor, where there is access control. */
  token?: string | undefined;
  limitMs: number;
}

export interface EstopOutcome {
  stopped: boolean;
  /** In one sentence. */
  text: string;
}

export async function estop(options: EstopOptions): Promise<EstopOutcome> {
  const { broker, tls, root, room, reason, token, limitMs } = options;
  const topics = createTopics(root);
  const shown = `${new URL(broker).protocol}//${new URL(broker).host}`;
  const login = token === undefined ? {} : { username: FROM, password: token };
  const client = mqtt.connect(broker, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: limitMs,
    ...login,
    ...tls,
  });
  const { promise, resolve } = Promise.withResolvers<EstopOutcome>();
  const fail = (text: string) => resolve({ stopped: false, text: `error: ${text}` });
  const timer = setTimeout(
    () => fail(`${room} has not said that it has stopped. Is it connected to ${shown}?`),
    limitMs,
  );
  client.on('error', (error) => fail(`the broker ${shown} can't be reached: ${reasonOf(error)}.`));
  client.on('close', () => fail(`the broker ${shown} has closed the connection.`));
  client.on('message', (_topic, payload) => {
    const safety = parseMessage('safety', payload);
    if (!safety.ok || safety.value.state !== 'estopped') return;
    const why = safety.value.reason ? `, ${safety.value.reason}` : '';
    resolve({ stopped: true, text: `${room} has made an emergency stop${why}.` });
  });
  client.on('connect', () => {
    const why = reason === undefined ? {} : { reason };
    const message = buildMessage('estop', { from: FROM, ...why }, Date.now());
    // In one go: nothing is waited for before the stop.
    client.publish(topics.estop(room), message, { qos: 1 }, () => {});
    client.subscribe(topics.safety(room), { qos: 1 }, () => {});
  });
  const outcome = await promise;
  clearTimeout(timer);
  client.removeAllListeners('close');
  client.end(true);
  return outcome;
}

const reasonOf = (error: Error) => error.message || String((error as { code?: unknown }).code);
