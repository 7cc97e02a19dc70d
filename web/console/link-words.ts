/** The path of a session in words. Pure. */
import type { Link as LinkMessage } from '../../shared/messages.ts';
import type { Link } from '../../shared/negotiation.ts';
import type { PathStats } from '../../shared/peer.ts';
import type { Path as Ends } from '../../shared/verdict.ts';

type Path = Pick<LinkMessage | PathStats, 'path' | 'protocol' | 'relayProtocol'>;

const KINDS: Record<Path['path'], string> = {
  host: 'direct',
  srflx: 'direct, through NAT',
  // An address that only the other end has seen: behind a NAT, or hidden by the browser (mDNS).
  prflx: 'direct',
  relay: 'relayed',
};

export function pathWords({ path, protocol, relayProtocol }: Path): string {
  return `${KINDS[path]} · ${(path === 'relay' && relayProtocol ? relayProtocol : protocol).toUpperCase()}`;
}

/** How both ends get to each other: each end has its own way to its relay, or needs none. */
export function endsWords({ kind, vehicle, operator }: Ends): string {
  if (kind !== 'relay') return pathWords({ path: kind, protocol: operator.protocol });
  const ways = [
    ['you', operator],
    ['car', vehicle],
  ] as const;
  const relayed = ways.flatMap(([who, { type, relayProtocol, protocol }]) =>
    type === 'relay' ? [{ who, over: (relayProtocol ?? protocol).toUpperCase() }] : [],
  );
  const [first, second] = relayed;
  if (first && first.over === second?.over) return `relayed · ${first.over}`;
  return `relayed · ${relayed.map(({ who, over }) => `${who} ${over}`).join(', ')}`;
}

/**
 * Why there is less to see than the camera could show; null when there isn't, or when a budget is the reason.
 * @param limitKbps of relayed video, in force
 */
export function reducedWords(path: LinkMessage | null, limitKbps: number | undefined): string | null {
  if (!path?.reduced) return null;
  const { width, height, fps, allowedKbps } = path.reduced;
  const limited = limitKbps !== undefined && allowedKbps >= limitKbps;
  if (path.path === 'relay' && limited) return null;
  // One encoder serves all viewers.
  const why = limited
    ? 'others watch over a relay, and its budget is used up'
    : `the path carries ${allowedKbps} kbit/s`;
  return `Video reduced to ${width} × ${height}, ${Math.round(fps)} /s: ${why}`;
}

const PHASES: Record<Link['phase'], string> = {
  waiting: 'no connection',
  connecting: 'connecting',
  connected: 'connected',
  restoring: 'interrupted',
  retrying: 'trying again',
  ended: 'no connection',
};

/** @param path null while it isn't known */
export function linkWords(path: Path | null, phase: Link['phase'] = 'waiting'): string {
  return path && phase === 'connected' ? pathWords(path) : PHASES[phase];
}
