/** The path of a session, named after the end that needs more help. */
import type { Link } from './messages.ts';
import type { Gathered, PeerReport } from './report.ts';

/** The most help first. */
const KINDS = ['relay', 'srflx', 'prflx', 'host'] as const;

/** @param ends the addresses of the pair in use, as one end or both see them */
export function pathOf(ends: Pick<Gathered, 'type'>[]): Link['path'] {
  return KINDS.find((kind) => ends.some(({ type }) => type === kind)) ?? 'host';
}

/** How one end gets to the other, by its own word or else by the other's; null while there is no path. */
export function endOf(own: PeerReport | null, other: PeerReport | null): Gathered | null {
  return own?.pair?.local ?? other?.pair?.remote ?? null;
}
