/** What a plntry server tells pages and vehicles: its ICE servers, and where its broker is. */
import { check, type Parsed } from '../../shared/messages.ts';
import { FleetAnswerSchema, IceAnswerSchema, type IceServer } from '../../shared/server-api.ts';
import { withoutLogin } from '../shown-address.ts';
import { resolve } from '../webrtc/resolve.ts';
import { inWords, UnknownHostError } from '../webrtc/server-errors.ts';
import { checkBroker } from './broker-check.ts';
import type { Reach } from './findings.ts';
import { refusedByServer } from './login.ts';

/** A server that has not answered after this doesn't answer, ms. */
const LIMIT_MS = 3_000;
/** Whose name goes into credentials that are made for this. */
const PEER = 'doctor';

/** @param server http:// or https:// @param token where there is access control */
export async function askIce(
  server: string,
  signal: AbortSignal,
  token?: string,
): Promise<{ reach: Reach; iceServers: IceServer[]; warnings: string[] }> {
  const asked = await ask(
    // Who has a token gets them in its own name.
    new URL(`/api/ice${token === undefined ? `?peer=${PEER}` : ''}`, server),
    (value) => check(IceAnswerSchema, value),
    signal,
    token,
  );
  const { iceServers = [], warnings = [] } = asked.value ?? {};
  return { reach: asked.reach, iceServers, warnings };
}

/** MQTT over WebSocket where pages are told to find it. */
export async function checkPagesMqtt(server: string, signal: AbortSignal, token?: string): Promise<Reach> {
  const asked = await ask(new URL('/api/fleet', server), (value) => check(FleetAnswerSchema, value), signal);
  if (!asked.value) return asked.reach;
  const url = new URL(asked.value.mqtt.url, server);
  url.protocol = url.protocol.replace(/^http/, 'ws');
  return checkBroker(url.href, signal, token);
}

async function ask<T>(
  url: URL,
  parse: (value: unknown) => Parsed<T>,
  signal: AbortSignal,
  token?: string,
): Promise<{ reach: Reach; value: T | null }> {
  const startedAt = performance.now();
  const result = (answer: Reach['answer'], detail?: string): Reach => ({
    url: withoutLogin(url.origin + url.pathname),
    answer,
    ...(detail ? { detail } : {}),
    ms: Math.round(performance.now() - startedAt),
  });
  try {
    await resolve(url.hostname.replace(/^\[(.*)\]$/, '$1'));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal: limit, redirect: 'error' });
    if (!response.ok) {
      const why = refusedByServer(response.status, token === undefined ? 'none' : 'token');
      return { reach: result('refused', why), value: null };
    }
    const parsed = parse(await response.json().catch(() => null));
    if (parsed.ok) return { reach: result('ok'), value: parsed.value };
    return { reach: result('refused', 'its answer makes no sense: it may be another server'), value: null };
  } catch (error) {
    if (error instanceof UnknownHostError) return { reach: result('unknown', error.message), value: null };
    const { name, cause } = error as { name?: string; cause?: unknown };
    const why = name === 'TimeoutError' || name === 'AbortError' ? 'no answer' : inWords(cause ?? error);
    return { reach: result('unreachable', why), value: null };
  }
}
