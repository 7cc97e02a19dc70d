/** The vehicle's STUN and TURN servers: a fixed list, or what the web server hands out, kept fresh. */
import type { Log } from '../shared/log.ts';
import { check } from '../shared/messages.ts';
import { IceAnswerSchema, type IceServer } from '../shared/server-api.ts';

/** Wait after a failed request, ms. */
const RETRY_MS = 15_000;
const TIMEOUT_MS = 5_000;

export async function createIceServers(
  options: { fixed?: IceServer[] | undefined; server?: string | undefined },
  log: Log,
): Promise<{ get(): IceServer[]; close(): void }> {
  let servers = options.fixed ?? [];
  let timer: NodeJS.Timeout | undefined;
  if (options.server && !options.fixed) await refresh(new URL('/api/ice', options.server));

  async function refresh(url: URL): Promise<void> {
    let next = RETRY_MS;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const answer = check(IceAnswerSchema, await response.json());
      if (!answer.ok) throw new Error(`its answer is wrong, ${answer.reason}`);
      servers = answer.value.iceServers;
      // Half of their life, so that a restart finds them valid.
      next = Math.max(RETRY_MS, (answer.value.ttl * 1000) / 2);
    } catch (error) {
      log.warn(
        { url: url.href, error: String(error) },
        'could not get ICE servers; going on with those at hand',
      );
    }
    timer = setTimeout(() => void refresh(url), next);
    timer.unref();
  }

  return { get: () => servers, close: () => clearTimeout(timer) };
}
