/** The path of a werift connection and its figures. */
import type * as werift from 'werift';
import type { PathStats } from '../../shared/peer.ts';
import { relaysOf } from './relayed.ts';

/**
 * The nominated pair, as it is now. The path is named after the end that needs more help: relay, srflx,
 * prflx, host.
 */
export function pathStats(connection: werift.RTCPeerConnection, relayBytes: number): PathStats | null {
  const ice = connection.iceTransports[0]?.connection;
  const pair = ice?.nominated;
  if (!pair) return null;
  const types = [pair.localCandidate.type, pair.remoteCandidate.type];
  const direct = (['srflx', 'prflx'] as const).find((type) => types.includes(type)) ?? 'host';
  const stats: PathStats = {
    path: relaysOf(pair, ice) > 0 ? 'relay' : direct,
    protocol: pair.localCandidate.transport.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
    bytesSent: pair.bytesSent,
    bytesReceived: pair.bytesReceived,
    relayBytes,
  };
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
