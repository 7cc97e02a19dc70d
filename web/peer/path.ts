/** The path of a browser's connection: the pair of addresses in use, and its figures. */
import { pathOf } from '../../shared/path.ts';
import type { PathStats } from '../../shared/peer.ts';
import type { PairCount, RelayCount } from '../../shared/relay-count.ts';
import type { Gathered, PeerReport } from '../../shared/report.ts';
import { parseServerUrl } from '../../shared/server-url.ts';

/** As far as they are used here; https://www.w3.org/TR/webrtc-stats/ */
interface Stat {
  type: string;
  [field: string]: unknown;
}

/** What a connection's stats say of its path. */
export interface Path {
  pair: PeerReport['pair'];
  stats: PathStats | null;
}

/** @param relayed counts what goes over relays in this session */
export function readPath(report: RTCStatsReport, relayed: RelayCount): Path {
  const all = [...(report as unknown as Map<string, Stat>).values()];
  const relayBytes = relayed(pairCounts(all));
  const get = (id: unknown) => all.find((stat) => stat.id === id);
  const transport = all.find(({ type }) => type === 'transport');
  const pair = transport
    ? get(transport.selectedCandidatePairId)
    : // Firefox has no transport stats.
      all.find((stat) => stat.type === 'candidate-pair' && stat.nominated && stat.state === 'succeeded');
  const [local, remote] = [get(pair?.localCandidateId), get(pair?.remoteCandidateId)];
  if (!pair || !local || !remote) return { pair: null, stats: null };
  const ends = { local: fromStat(local), remote: fromStat(remote) };
  const stats: PathStats = {
    path: pathOf([ends.local, ends.remote]),
    protocol: ends.local.protocol,
    bytesSent: Number(pair.bytesSent ?? 0),
    bytesReceived: Number(pair.bytesReceived ?? 0),
    relayBytes,
  };
  if (ends.local.relayProtocol) stats.relayProtocol = ends.local.relayProtocol;
  if (typeof pair.currentRoundTripTime === 'number') stats.rttMs = pair.currentRoundTripTime * 1000;
  const inbound = all.find(({ type }) => type === 'remote-inbound-rtp');
  if (typeof inbound?.fractionLost === 'number') stats.lossPct = inbound.fractionLost * 100;
  return { pair: ends, stats };
}

function pairCounts(all: Stat[]): PairCount[] {
  const relays = new Set(all.filter(({ candidateType }) => candidateType === 'relay').map(({ id }) => id));
  return all
    .filter(({ type }) => type === 'candidate-pair')
    .map((pair) => ({
      key: pair.id,
      relays: Number(relays.has(pair.localCandidateId)) + Number(relays.has(pair.remoteCandidateId)),
      bytes: Number(pair.bytesSent ?? 0) + Number(pair.bytesReceived ?? 0),
    }));
}

const fromStat = ({ candidateType, protocol, relayProtocol, address }: Stat): Gathered =>
  gatheredOf(candidateType, protocol, relayProtocol, address);

/** Null for one that is not of the kinds that are reported. */
export function fromCandidate(candidate: RTCIceCandidate): Gathered | null {
  const { type, protocol, address } = candidate;
  if (!type) return null;
  // Not in TypeScript's DOM yet; and Chromium leaves the protocol out where it is UDP.
  const { relayProtocol, url } = candidate as { relayProtocol?: string | null; url?: string | null };
  const relay = type === 'relay' ? relayProtocol || parseServerUrl(url ?? '')?.transport : null;
  return gatheredOf(type, protocol, relay, address);
}

function gatheredOf(type: unknown, protocol: unknown, relayProtocol: unknown, address: unknown): Gathered {
  const gathered: Gathered = {
    type: type as Gathered['type'],
    protocol: protocol === 'tcp' ? 'tcp' : 'udp',
    family: familyOf(typeof address === 'string' ? address : ''),
  };
  if (relayProtocol === 'udp' || relayProtocol === 'tcp' || relayProtocol === 'tls')
    gathered.relayProtocol = relayProtocol;
  return gathered;
}

/** Stats leave the address out where it is hidden behind an mDNS name. */
function familyOf(address: string): Gathered['family'] {
  if (address === '' || address.endsWith('.local')) return 'mDNS';
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
