/** The path of a werift connection and its figures. */
import { isIPv4, isIPv6 } from 'node:net';
import type * as werift from 'werift';
import type { PathStats } from '../../shared/peer.ts';
import type { Gathered } from '../../shared/report.ts';
import { insidesOf } from './insides.ts';
import { transportOf } from './relays.ts';

/** What was sent and received over all paths that a connection has had, without the checks of the paths. */
export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
}

/** Begins to count; werift's own figures are those of one pair, and begin anew with every restart. */
export function countTraffic(connection: werift.Connection): Traffic {
  const traffic: Traffic = { bytesSent: 0, bytesReceived: 0 };
  const insides = insidesOf(connection);
  const { ensureProtocol } = insides;
  insides.ensureProtocol = (protocol) => {
    ensureProtocol.call(connection, protocol);
    const { sendData } = protocol;
    protocol.sendData = (data, to) => {
      traffic.bytesSent += data.length;
      return sendData.call(protocol, data, to);
    };
    protocol.onDataReceived.subscribe((data) => {
      traffic.bytesReceived += data.length;
    });
  };
  return traffic;
}

/** A candidate without its address. */
export function gatheredOf(candidate: werift.Candidate): Gathered {
  const { type, host, transport } = candidate;
  const through = transportOf(candidate);
  return {
    type: type as Gathered['type'],
    protocol: transport.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
    family: isIPv4(host) ? 'IPv4' : isIPv6(host) ? 'IPv6' : 'mDNS',
    ...(through ? { relayProtocol: through } : {}),
  };
}

/** The nominated pair. The path is named after the end that needs more help: relay, srflx, prflx, host. */
export function pathStats(
  connection: werift.Connection,
  traffic: Traffic,
  report: Map<string, unknown>,
): PathStats | null {
  const pair = connection.nominated;
  if (!pair) return null;
  const local = gatheredOf(pair.localCandidate);
  const types = [local.type, pair.remoteCandidate.type];
  const path = (['relay', 'srflx', 'prflx'] as const).find((type) => types.includes(type)) ?? 'host';
  const stats: PathStats = { path, protocol: local.protocol, ...traffic };
  if (local.relayProtocol) stats.relayProtocol = local.relayProtocol;
  if (pair.rtt !== undefined) stats.rttMs = pair.rtt * 1000;
  const remote = [...report.values()].find(isRemoteInbound);
  if (remote?.fractionLost !== undefined) stats.lossPct = remote.fractionLost * 100;
  return stats;
}

function isRemoteInbound(entry: unknown): entry is { type: string; fractionLost?: number } {
  return (entry as { type?: string }).type === 'remote-inbound-rtp';
}
