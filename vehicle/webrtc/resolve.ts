/**
 * Names of servers to addresses. What was found is kept: a lookup where the name server is silent occupies one
 * of Node's four threads for up to half a minute, and a lost network takes the name server with it.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UnknownHostError } from './server-errors.ts';

/** How long addresses are used without asking again, ms. */
const FRESH_MS = 60_000;
/** How long a lookup is waited for, ms; what was known before is used then. */
const LIMIT_MS = 3_000;
/** Most names that are remembered. */
const MOST_NAMES = 64;

const known = new Map<string, { addresses: string[]; at: number }>();
const asking = new Map<string, Promise<string[]>>();

/**
 * The addresses of a host, the best first, of families that this machine has.
 * @param host name or address
 * @throws UnknownHostError
 */
export async function resolve(host: string): Promise<string[]> {
  const addresses = isIP(host) ? [host] : await addressesOf(host);
  const usable = addresses.filter(isUsable);
  // Should this machine be wrong about itself, the attempt tells what is wrong.
  return usable.length > 0 ? usable : addresses;
}

async function addressesOf(host: string): Promise<string[]> {
  const before = known.get(host);
  if (before && performance.now() - before.at < FRESH_MS) return before.addresses;
  const ask = asking.get(host) ?? lookUp(host);
  try {
    return await within(LIMIT_MS, ask);
  } catch (error) {
    if (before) return before.addresses;
    throw error;
  }
}

function lookUp(host: string): Promise<string[]> {
  const ask = (async () => {
    try {
      const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
      if (known.size >= MOST_NAMES) known.clear();
      known.set(host, { addresses, at: performance.now() });
      return addresses;
    } catch (error) {
      const { code } = error as { code?: string };
      const why = code === 'EAI_AGAIN' ? 'the name server did not answer' : 'this name has no address';
      throw new UnknownHostError(why);
    } finally {
      asking.delete(host);
    }
  })();
  asking.set(host, ask);
  return ask;
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UnknownHostError('the name server did not answer')), ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** An IPv6 address is of no use to a machine that has none; its own are always. */
function isUsable(address: string): boolean {
  const local = address.startsWith('127.') || address === '::1';
  const family = isIP(address) === 6 ? 'IPv6' : 'IPv4';
  return local || ownAddresses().some((own) => own.family === family);
}

/** The addresses of this machine that others may reach. */
export function ownAddresses(): { name: string; address: string; family: 'IPv4' | 'IPv6' }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address))
      .map(({ address, family }) => ({ name, address, family })),
  );
}
