/** The path of a connection, and how much went over it. */
import { isIPv6 } from 'node:net';
import { pathOf } from '../../shared/path.ts';
import type { PathStats } from '../../shared/peer.ts';
import { createRelayCount } from '../../shared/relay-count.ts';
import type { Gathered } from '../../shared/report.ts';
import type { Bridge, Bridges } from './bridges.ts';
import type { PathEnd } from './connection.ts';
import type { Remote } from './remote.ts';
import type { Address } from './stun.ts';
import type { Allocation } from './turn-allocation.ts';

const familyOf = (host: string): Gathered['family'] => (isIPv6(host) ? 'IPv6' : 'IPv4');

export const gatheredRelay = ({ relayed, target }: Allocation): Gathered => ({
  type: 'relay',
  protocol: 'udp',
  family: familyOf(relayed[0]),
  relayProtocol: target.transport,
});

/** @param line of a candidate of this end */
export function gatheredOf(line: string): Gathered {
  const [, host = '', type] = line.match(/^candidate:\S+ \d+ \w+ \d+ (\S+) \d+ typ (\w+)/i) ?? [];
  return { type: type as Gathered['type'], protocol: 'udp', family: familyOf(host) };
}

export interface Path {
  local: Gathered;
  remote: Gathered;
  /** Names the other end's address. */
  to: string;
  /** When it leads over a relay of this end. */
  bridge: Bridge | undefined;
}

/** A pair of libjuice's as what it is: its ends on loopback are relays of this end. */
export function pathFrom(pair: { local: PathEnd; remote: PathEnd }, bridges: Bridges, remote: Remote): Path {
  const bridge = bridges.at(pair.remote);
  const address: Address = bridge?.peer ?? [pair.remote.address, pair.remote.port];
  const named = remote.typeOf(address) ?? (bridge ? 'prflx' : (pair.remote.type as Gathered['type']));
  const { address: own, type } = pair.local;
  return {
    local: bridge?.allocation
      ? gatheredRelay(bridge.allocation)
      : // Bridges begin on loopback, whatever leads on from there.
        { type: bridge ? 'host' : (type as Gathered['type']), protocol: 'udp', family: familyOf(own) },
    remote: { type: named, protocol: 'udp', family: familyOf(address[0]) },
    to: address.join(' '),
    bridge,
  };
}

/** The path is named after the end that needs more help: relay, srflx, prflx, host. */
export function statsOf({ local, remote }: Path): Pick<PathStats, 'path' | 'protocol' | 'relayProtocol'> {
  const { protocol, relayProtocol } = local;
  return { path: pathOf([local, remote]), protocol, ...(relayProtocol ? { relayProtocol } : {}) };
}

export interface Totals {
  sent: number;
  received: number;
}

/** Counts what went over relays; what counts is in shared/relay-count.ts. */
export function createRelayTraffic(bridges: Bridges, isRelay: (address: Address) => boolean) {
  const count = createRelayCount();
  /** By the other end's address, what went there directly. */
  const direct = new Map<string, { relays: number; bytes: number }>();
  let before = 0;
  /** To be told every now and then, and what the path is: what went meanwhile is taken to have gone there. */
  return ({ sent, received }: Totals, path: Path | null): number => {
    const bridged = [...bridges.all()].reduce((sum, { bytes }) => sum + bytes, 0);
    const beside = sent + received - bridged;
    if (path && !path.bridge) {
      const route = direct.get(path.to) ?? { relays: 0, bytes: 0 };
      route.relays = path.remote.type === 'relay' ? 1 : 0;
      route.bytes += Math.max(0, beside - before);
      direct.set(path.to, route);
    }
    before = beside;
    return count([
      ...[...bridges.all()].map((bridge) => ({
        key: bridge,
        relays: (bridge.allocation ? 1 : 0) + (isRelay(bridge.peer) ? 1 : 0),
        bytes: bridge.bytes,
      })),
      ...[...direct].map(([key, route]) => ({ key, ...route })),
    ]);
  };
}
