/** The vehicle's STUN and TURN servers: a fixed list, or those that somebody is asked for, kept fresh. */
import type { Clock } from '../shared/clock.ts';
import { renewIceServers } from '../shared/ice-renewal.ts';
import type { Log } from '../shared/log.ts';
import { check } from '../shared/messages.ts';
import { type IceAnswer, IceAnswerSchema, type IceServer } from '../shared/server-api.ts';

/** A server that has not answered after this is asked again later, ms. */
const TIMEOUT_MS = 5_000;
/** The vehicle goes on without an answer after this, ms: who is there already shall not wait for it. */
const START_LIMIT_MS = 1_000;

export type AskIceServers = () => Promise<IceAnswer>;

export interface VehicleIceServers {
  get(): IceServer[];
  /** What is wrong with them, each a sentence. */
  warnings(): string[];
  /** Asks anew: the server may be another one than before. */
  again(): void;
  close(): void;
}

/** Resolves when there is something to begin with, or nothing came for a moment. */
export async function keepIceServers(
  source: IceServer[] | AskIceServers,
  clock: Clock,
  log: Log,
): Promise<VehicleIceServers> {
  if (Array.isArray(source)) {
    return { get: () => source, warnings: () => [], again: () => {}, close: () => {} };
  }
  let logged: string[] = [];
  const renewal = renewIceServers({
    ask: source,
    clock,
    onChange({ warnings }) {
      for (const warning of warnings) if (!logged.includes(warning)) log.warn({}, warning);
      logged = warnings;
    },
  });
  await Promise.race([
    renewal.first,
    new Promise<void>((resolve) => {
      clock.after(START_LIMIT_MS, resolve);
    }),
  ]);
  return {
    get: () => renewal.state.servers,
    warnings: () => renewal.state.warnings,
    again: renewal.again,
    close: renewal.close,
  };
}

/** Asks a plntry server. @param room whose name goes into the credentials @param token where there is access control */
export function askServer(server: string, room: string, token?: string): AskIceServers {
  const url = new URL(`/api/ice?peer=${room}`, server);
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return async () => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { headers, signal }).catch((error) => {
      const why = error.name === 'TimeoutError' ? 'does not answer' : "can't be reached";
      throw new Error(`the server ${url.host} ${why}`);
    });
    if (response.status === 401) throw new Error(`the server ${url.host} wants a token that it knows`);
    if (!response.ok) throw new Error(`the server ${url.host} answered ${response.status}`);
    const answer = check(IceAnswerSchema, await response.json().catch(() => null));
    if (!answer.ok) throw new Error(`the answer of the server ${url.host} makes no sense`);
    return answer.value;
  };
}
