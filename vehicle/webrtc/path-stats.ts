/** The path of a werift connection and its figures. */
import type * as werift from 'werift';
import type { Link } from '../../shared/messages.ts';
import type { PathStats } from '../../shared/peer.ts';

const PATHS: Record<string, Link['path']> = { host: 'host', srflx: 'srflx', prflx: 'prflx', relay: 'relay' };

/** The nominated pair. The path is named after the end that needs more help: relay, srflx, prflx, host. */
export function pathStats(
  connection: werift.RTCPeerConnection,
  report: Map<string, unknown>,
): PathStats | null {
  const pair = connection.iceTransports[0]?.connection.nominated;
  if (!pair) return null;
  const types = [pair.localCandidate.type, pair.remoteCandidate.type];
  const path = ['relay', 'srflx', 'prflx'].find((type) => types.includes(type)) ?? 'host';
  const stats: PathStats = {
    path: PATHS[path] ?? 'host',
    protocol: pair.localCandidate.transport.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
    bytesSent: pair.bytesSent,
    bytesReceived: pair.bytesReceived,
  };
  if (pair.rtt !== undefined) stats.rttMs = pair.rtt * 1000;
  const remote = [...report.values()].find(isRemoteInbound);
  if (remote?.fractionLost !== undefined) stats.lossPct = remote.fractionLost * 100;
  return stats;
}

function isRemoteInbound(entry: unknown): entry is { type: string; fractionLost?: number } {
  return (entry as { type?: string }).type === 'remote-inbound-rtp';
}
