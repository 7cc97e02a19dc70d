/** Whether an MQTT broker can be reached, over TCP, TLS or WebSocket. */
import mqtt from 'mqtt';
import { withoutLogin } from '../shown-address.ts';
import { resolve } from '../webrtc/resolve.ts';
import { inWords, UnknownHostError } from '../webrtc/server-errors.ts';
import type { Reach } from './findings.ts';
import { type Login, NOT_LET_IN, refusedByBroker } from './login.ts';

/** A broker that has not answered after this doesn't answer, ms. */
const LIMIT_MS = 4_000;
/** Return codes of CONNACK (MQTT 3.1.1, table 3.1). */
const RETURN_CODES: Record<number, string> = {
  1: 'it does not speak MQTT 3.1.1 (1)',
  2: 'it does not take this client id (2)',
  3: 'it is not available (3)',
};

/**
 * @param url mqtt://, mqtts://, ws:// or wss://, with login where needed
 * @param token what it logs in with, where there is access control
 */
export async function checkBroker(url: string, signal: AbortSignal, token?: string): Promise<Reach> {
  const startedAt = performance.now();
  const named = withoutLogin(url);
  const after = () => Math.round(performance.now() - startedAt);
  try {
    const { hostname } = new URL(url);
    await resolve(hostname.replace(/^\[(.*)\]$/, '$1'));
    await connectOnce(url, signal, token);
    return { url: named, answer: 'ok', ms: after() };
  } catch (error) {
    return { url: named, ...answerOf(error as Error, loginOf(url, token)), ms: after() };
  }
}

function loginOf(url: string, token: string | undefined): Login {
  if (token !== undefined) return 'token';
  return new URL(url).username ? 'address' : 'none';
}

function connectOnce(url: string, signal: AbortSignal, token: string | undefined): Promise<void> {
  const { promise, resolve: succeed, reject } = Promise.withResolvers<void>();
  const client = mqtt.connect(url, {
    // With a dot no peer has it: who has a peer's id throws that peer out.
    clientId: `doctor.${Math.random().toString(36).slice(2, 10)}`,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: LIMIT_MS,
    ...(token === undefined ? {} : { username: 'doctor', password: token }),
  });
  const limit = setTimeout(() => reject(new Error('no answer')), LIMIT_MS);
  const abort = () => reject(new Error('given up'));
  signal.addEventListener('abort', abort, { once: true });
  client.on('connect', () => succeed());
  client.on('error', reject);
  // What goes wrong with TLS below WebSocket, or with an answer that is none, it keeps to itself.
  client.stream.on('error', reject);
  client.on('close', () => reject(new Error('it closed the connection: it may not speak MQTT there')));
  return promise.finally(() => {
    clearTimeout(limit);
    signal.removeEventListener('abort', abort);
    client.end(true);
  });
}

function answerOf(error: Error, login: Login): Pick<Reach, 'answer' | 'detail'> {
  if (error instanceof UnknownHostError) return { answer: 'unknown', detail: error.message };
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') {
    if (NOT_LET_IN.includes(code)) return { answer: 'refused', detail: refusedByBroker(code, login) };
    return { answer: 'refused', detail: RETURN_CODES[code] ?? `it refused the connection (${code})` };
  }
  // Of ws, when something else than a WebSocket answers.
  const [, status] = /Unexpected server response: (\d+)/.exec(error.message) ?? [];
  if (status) return { answer: 'refused', detail: `no WebSocket there, but an answer with status ${status}` };
  if (/header flag bits|malformed|cannot parse/i.test(error.message)) {
    return { answer: 'unreachable', detail: 'it does not speak MQTT there' };
  }
  return { answer: 'unreachable', detail: inWords(error) };
}
