/**
 * Which path is used when several work: the direct before the relayed, as RFC 8445 (section 5.1.2) has it, and
 * of two relays neither when one is enough. libjuice compares these as priorities of remote candidates. Pure.
 */
import { BlockList, isIPv6 } from 'node:net';
import type { TurnTransport } from './ice-targets.ts';

/** By what the other end has named its address. */
const NAMED: Record<string, number> = { host: 4_000, srflx: 3_000, prflx: 3_000, relay: 1_000 };
/** Not named, or not yet: within one network it is an address that a browser hides, elsewhere maybe a relay. */
const HIDDEN = 3_900;
const UNNAMED = 2_900;
/** Over a relay of this end; the nearer to plain UDP, the better. */
const RELAYED: Record<TurnTransport, number> = { udp: 900, tcp: 800, tls: 700 };
const BOTH_RELAYED = -300;
/** As in this end's own candidates. */
const IPV6 = 10;

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/**
 * @param relay how this end's relay is reached; null without one
 * @param host of the other end
 * @param named as what it has named it, if it has
 */
export function priorityOf(relay: TurnTransport | null, host: string, named: string | undefined): number {
  const family = isIPv6(host) ? 'ipv6' : 'ipv4';
  const extra = family === 'ipv6' ? IPV6 : 0;
  if (relay) return RELAYED[relay] + (named === 'relay' ? BOTH_RELAYED : 0) + extra;
  return (NAMED[named ?? ''] ?? (PRIVATE.check(host, family) ? HIDDEN : UNNAMED)) + extra;
}
