/** Asking a service's API, and what went wrong in one sentence that holds no secret. */
import { ProviderError } from './provider.ts';

export interface ServiceRequest {
  /** What people call the service. */
  name: string;
  url: URL;
  init?: RequestInit;
  /** What a status of this service means, and the variable to look at. */
  refusals: Record<number, { means: string; check: string }>;
}

/** The address of one of its calls. @param base of its API, or of a proxy for it, which may have a path */
export function callUrl(path: string, base: string): URL {
  return new URL(path.slice(1), base.endsWith('/') ? base : `${base}/`);
}

/**
 * The JSON that a service answers.
 * @throws ProviderError
 */
export async function askService(request: ServiceRequest, signal: AbortSignal): Promise<unknown> {
  const { name, url, init, refusals } = request;
  const fail = (text: string) => new ProviderError(`${name} ${text}`);
  const unreachable = (error: unknown) =>
    signal.aborted
      ? fail(`did not answer in time. Check that this machine reaches ${url.host}.`)
      : fail(`can't be reached${codeOf(error)}. Check that this machine reaches ${url.host}.`);
  // Not followed: what goes with the request is meant for this address only.
  const response = await fetch(url, { ...init, redirect: 'manual', signal }).catch((error) => {
    throw unreachable(error);
  });
  const { status } = response;
  const text = await response.text().catch((error) => {
    throw unreachable(error);
  });
  const refusal = refusals[status];
  if (refusal) throw fail(`${refusal.means} (${status}). Check ${refusal.check}.`);
  if (status === 429) throw fail('says that it is asked too often (429).');
  if (status >= 500) throw fail(`has a fault of its own (${status}).`);
  if (!response.ok) throw fail(`answered ${status}. Check its address, ${url.host}.`);
  try {
    return JSON.parse(text);
  } catch {
    throw nonsense(name, url);
  }
}

/** For an answer that is something else than the service documents. */
export function nonsense(name: string, url: URL): ProviderError {
  return new ProviderError(`${name} gave an answer without ICE servers. Check its address, ${url.host}.`);
}

/** Such as ENOTFOUND or ECONNREFUSED: fetch keeps it in the cause. */
function codeOf(error: unknown): string {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  return typeof code === 'string' ? ` (${code})` : '';
}
