/**
 * Who a request really comes from, behind proxies: their headers count only where somebody has said that
 * they can be trusted, since anyone can send them.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Whether what an address says is believed. @param hop 0 for the other end of the connection, 1 for who it names, … */
export type Trust = (address: string, hop: number) => boolean;

export const TRUST_NOBODY: Trust = () => false;

/** Names for ranges, as Express has them. */
const RANGES: Record<string, string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};
const MAX_HOPS = 10;

/**
 * @param text how many proxies there are in a row, or their addresses: `10.0.0.0/8,::1`, `loopback`
 * @throws Error of one sentence
 */
export function parseTrust(text: string): Trust {
  if (/^\d+$/.test(text)) {
    const hops = Number(text);
    if (hops > MAX_HOPS) throw new Error(`There are at most ${MAX_HOPS} proxies in a row.`);
    return (_address, hop) => hop < hops;
  }
  const list = new BlockList();
  for (const entry of text.split(',').flatMap((name) => RANGES[name.trim()] ?? [name.trim()]))
    addTo(list, entry);
  // Express asks with whatever it has found, too.
  return (text) => {
    const address = plain(text);
    return isIP(address) !== 0 && list.check(address, familyOf(address));
  };
}

function addTo(list: BlockList, entry: string): void {
  const [address = '', length] = entry.split('/');
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (family === 0 || !(bits <= longest)) {
    throw new Error(
      `'${entry}' is neither an address, a range such as 10.0.0.0/8, nor one of ${Object.keys(RANGES).join(', ')}.`,
    );
  }
  list.addSubnet(address, bits, familyOf(address));
}

export interface Forwarded {
  trust: Trust;
  /** Of the client, as far as it is known; without a port. */
  addressOf(request: IncomingMessage): string;
  /** Whether the client speaks TLS, to us or to a proxy that is trusted; null when nobody knows. */
  isSecure(request: IncomingMessage): boolean | null;
  /** Whether a trusted proxy hands this request on. */
  isProxied(request: IncomingMessage): boolean;
}

export function createForwarded(trust: Trust = TRUST_NOBODY): Forwarded {
  const nearest = (request: IncomingMessage) => plain(request.socket.remoteAddress ?? '');
  const trusted = (request: IncomingMessage) => isIP(nearest(request)) !== 0 && trust(nearest(request), 0);
  return {
    trust,
    addressOf(request) {
      let address = nearest(request);
      const named = listed(request.headers['x-forwarded-for']).reverse();
      for (const [hop, next] of named.entries()) {
        // What is no address was written by somebody who is not to be trusted.
        if (isIP(next) === 0 || !trust(address, hop)) break;
        address = plain(next);
      }
      return address;
    },
    isSecure(request) {
      if ((request.socket as TLSSocket).encrypted) return true;
      const [protocol] = listed(request.headers['x-forwarded-proto']);
      return protocol && trusted(request) ? protocol.toLowerCase() === 'https' : null;
    },
    isProxied: (request) => request.headers['x-forwarded-for'] !== undefined && trusted(request),
  };
}

function listed(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** An IPv4 address that came to an IPv6 socket, as IPv4. */
export const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
