/** What a NAT does with packets over UDP, from how several servers see one socket (RFC 5780, section 4.3). Pure. */
import type { Nat } from './findings.ts';

export interface Sight {
  /** Whom a packet went to. */
  to: string;
  /** Where it seemed to come from. */
  from: string;
}

/**
 * @param own addresses of this machine with the socket's port
 * @param othersAnswer a server answers over TCP or TLS
 */
export function natOf(sights: Sight[], own: string[], asked: boolean, othersAnswer: boolean): Nat {
  if (sights.length === 0) return asked && othersAnswer ? 'blocked' : 'unknown';
  if (sights.every(({ from }) => own.includes(from))) return 'none';
  if (new Set(sights.map(({ from }) => from)).size > 1) return 'dependent';
  return new Set(sights.map(({ to }) => to)).size > 1 ? 'independent' : 'unknown';
}
