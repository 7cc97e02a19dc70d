/** This machine's place in its local network: addresses that others there reach it at. */
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { isPrivate } from './addresses.ts';
import { isLoopback } from './loopback.ts';

/** Any address of the internet, from a range for documentation (RFC 5737): nothing is sent there. */
const ELSEWHERE = '203.0.113.1';

/** Of all interfaces, IPv4 first; IPv6 link-local ones need a zone and are left out. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const usable = all.filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address));
  return usable.map(({ address }) => address).sort((a, b) => isIP(a) - isIP(b));
}

/** Where packets to the internet leave from; null when there is no way there. */
function defaultAddress(): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (address: string | null) => {
      socket.close();
      resolve(address);
    };
    socket.on('error', () => done(null));
    // Only asks the kernel for a route.
    socket.connect(9, ELSEWHERE, () => done(socket.address().address));
  });
}

export interface LocalNetwork {
  /** For links. */
  address: string;
  /** Everything that it can be called by there, and on this machine. */
  names: string[];
  /** Whether the server answers at one of its machine's addresses. */
  answersAt(address: string): boolean;
}

/**
 * @param wanted an address of this machine; otherwise that of the default route, and the server answers at
 *   all private ones
 * @throws Error of one sentence
 */
export async function findLocalNetwork(wanted: string | null): Promise<LocalNetwork> {
  const own = ownAddresses();
  if (wanted !== null && !own.includes(wanted) && !isLoopback(wanted)) {
    throw new Error(`${wanted} is not an address of this machine; it has ${own.join(', ') || 'none'}.`);
  }
  const addresses = wanted === null ? own.filter(isPrivate) : [wanted];
  const address = wanted ?? (await chooseAddress(addresses));
  return {
    address,
    names: [...new Set([address, ...addresses, ...hostNames(), 'localhost', '127.0.0.1', '::1'])],
    answersAt: (local) => isLoopback(local) || (wanted === null ? isPrivate(local) : local === wanted),
  };
}

async function chooseAddress([first]: string[]): Promise<string> {
  const preferred = await defaultAddress();
  if (preferred !== null && isPrivate(preferred)) return preferred;
  if (first !== undefined) return first;
  throw new Error(
    preferred === null
      ? 'This machine is in no network; connect it, or name one of its addresses with --lan <address>.'
      : `This machine's address ${preferred} is not one of a local network; to listen there all the same, say --lan ${preferred}.`,
  );
}

/** As mDNS (RFC 6762) calls it. */
function hostNames(): string[] {
  const [name = ''] = hostname().toLowerCase().split('.');
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? [`${name}.local`] : [];
}
