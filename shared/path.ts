/** The path of a session, named after the end that needs more help. */
import type { Link } from './messages.ts';
import type { PathStats } from './peer.ts';
import type { Gathered, PeerReport } from './report.ts';

/** The most help first. */
const KINDS = ['relay', 'srflx', 'prflx', 'host'] as const;

/** @param ends the addresses of the pair in use */
export function pathOf(ends: Pick<Gathered, 'type'>[]): Link['path'] {
  return KINDS.find((kind) => ends.some(({ type }) => type === kind)) ?? 'host';
}

/** How an end gets to the other, from its own report and the other's; null while neither has said so. */
export function endOf(own: PeerReport | null, other: PeerReport | null): Gathered | null {
  const mine = own?.pair?.local;
  const seen = other?.pair?.remote;
  if (!mine || !seen) return mine ?? seen ?? null;
  // Some stacks name their own address as it is before the NAT; the other end knows it as it is behind.
  // Not so where it is hidden (mDNS): then it is news to the other end in any case.
  const translated = mine.type === 'host' && mine.family !== 'mDNS' && /^(srflx|prflx)$/.test(seen.type);
  return translated ? { ...mine, type: seen.type } : mine;
}

/** A path's figures, named after what both ends know of it: an address that one can't see is known to the other. */
export function asBothKnow(stats: PathStats, here: PeerReport | null, there: PeerReport | null): PathStats {
  const [own, other] = [endOf(here, there), endOf(there, here)];
  if (!own || !other) return stats;
  const named = { ...stats, path: pathOf([own, other]) };
  if (other.type === 'relay' && other.relayProtocol) named.otherRelayProtocol = other.relayProtocol;
  return named;
}
