/** The path of a connection, and how much went over relays. */
import { isIPv6 } from 'node:net';
import { pathOf } from '../../shared/path.ts';
import type { PathStats } from '../../shared/peer.ts';
import { createRelayCount } from '../../shared/relay-count.ts';
import type { Gathered } from '../../shared/report.ts';
import type { Bridge } from './bridges.ts';
import { relayCandidate } from './own-candidates.ts';
import type { Address } from './stun.ts';

export interface Path {
  local: Gathered;
  remote: Gathered;
}

/** @param typeOf as what the other end has named an address, if it has */
export function pathOver(
  { way, peer }: Bridge,
  typeOf: (address: Address) => Gathered['type'] | undefined,
): Path {
  const family = isIPv6(peer[0]) ? 'IPv6' : 'IPv4';
  const here: Gathered = { type: 'host', protocol: 'udp', family };
  return {
    local: way.relay ? relayCandidate(way.relay).gathered : here,
    remote: { type: typeOf(peer) ?? 'prflx', protocol: 'udp', family },
  };
}

/** The path is named after the end that needs more help: relay, srflx, prflx, host. */
export function statsOf({ local, remote }: Path): Pick<PathStats, 'path' | 'protocol' | 'relayProtocol'> {
  const { protocol, relayProtocol } = local;
  return { path: pathOf([local, remote]), protocol, ...(relayProtocol ? { relayProtocol } : {}) };
}

/** Returns what counts the bytes over relays since the session began; what counts is in shared/relay-count.ts. */
export function createRelayTraffic(isRelay: (address: Address) => boolean): (bridges: Bridge[]) => number {
  const count = createRelayCount();
  return (bridges) =>
    count(
      bridges.map((bridge) => ({
        key: bridge,
        relays: (bridge.way.relay ? 1 : 0) + (isRelay(bridge.peer) ? 1 : 0),
        bytes: bridge.sent + bridge.received,
      })),
    );
}
