/** The path of a werift connection and its figures. */
import { isIPv4, isIPv6 } from 'node:net';
import type * as werift from 'werift';
import { pathOf } from '../../shared/path.ts';
import type { PathStats } from '../../shared/peer.ts';
import type { Gathered } from '../../shared/report.ts';
import { transportOf } from './relays.ts';
import { isRelay, type Traffic } from './traffic.ts';

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

/**
 * The nominated pair, as it is now. The path is named after the end that needs more help: relay, srflx,
 * prflx, host.
 */
export function pathStats(connection: werift.Connection, traffic: Traffic): PathStats | null {
  const pair = connection.nominated;
  if (!pair) return null;
  const local = gatheredOf(pair.localCandidate);
  const { remoteAddr, remoteCandidate } = pair;
  const there = isRelay(remoteAddr, connection) ? 'relay' : (remoteCandidate.type as Gathered['type']);
  const { bytesSent, bytesReceived } = traffic;
  const stats: PathStats = {
    path: pathOf([local, { type: there }]),
    protocol: local.protocol,
    bytesSent,
    bytesReceived,
    relayBytes: traffic.relayBytes(),
  };
  if (local.relayProtocol) stats.relayProtocol = local.relayProtocol;
  if (pair.rtt !== undefined) stats.rttMs = pair.rtt * 1000;
  return stats;
}

/** @param report of the sender (RTCStatsReport) */
export function withLoss(stats: PathStats, report: Map<string, unknown>): PathStats {
  const remote = [...report.values()].find(isRemoteInbound);
  return remote?.fractionLost === undefined ? stats : { ...stats, lossPct: remote.fractionLost * 100 };
}

function isRemoteInbound(entry: unknown): entry is { type: string; fractionLost?: number } {
  return (entry as { type?: string }).type === 'remote-inbound-rtp';
}
