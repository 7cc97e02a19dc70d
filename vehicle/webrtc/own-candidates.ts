/** This end's candidates as they are told (RFC 8839, section 5.1). Pure. */
import { isIPv6 } from 'node:net';
import type { Gathered } from '../../shared/report.ts';
import type { TurnTransport } from './ice-targets.ts';
import type { Address } from './stun.ts';
import type { Allocation } from './turn-allocation.ts';

/** Type preferences as libwebrtc has them (RFC 8445, section 5.1.2.1): relays the nearer to plain UDP, the better. */
const HOST = 126;
const REFLEXIVE = 100;
const RELAY: Record<TurnTransport, number> = { udp: 2, tcp: 1, tls: 0 };
/** Of local preferences, IPv6 has the higher one (RFC 8421, section 4). */
const PREFERENCE = { 4: 8_190, 6: 8_191 };

export interface OwnCandidate {
  line: string;
  gathered: Gathered;
}

export const hostCandidate = (address: Address): OwnCandidate => candidateOf('host', HOST, address, null, '');

/** @param server that has seen it there */
export const reflexiveCandidate = (seen: Address, own: Address, server: string): OwnCandidate =>
  candidateOf('srflx', REFLEXIVE, seen, own, server);

export function relayCandidate({ target, relayed, mapped }: Allocation): OwnCandidate {
  const { transport } = target;
  const { line, gathered } = candidateOf('relay', RELAY[transport], relayed, mapped, transport);
  return { line, gathered: { ...gathered, relayProtocol: transport } };
}

function candidateOf(
  type: Gathered['type'],
  preference: number,
  [host, port]: Address,
  base: Address | null,
  way: string,
): OwnCandidate {
  const family = isIPv6(host) ? 6 : 4;
  const priority = preference * 2 ** 24 + PREFERENCE[family] * 2 ** 8 + 255;
  // Those of one kind, address and server have the same (RFC 8445, section 5.1.1.3).
  const foundation = Buffer.from(`${type}${host}${way}`).toString('hex').slice(-32);
  const related = base ? ` raddr ${base[0]} rport ${base[1]}` : '';
  // In small letters: over TURN by TCP, Chromium connects to no other `udp`.
  const line = `candidate:${foundation} 1 udp ${priority} ${host} ${port} typ ${type}${related}`;
  return { line, gathered: { type, protocol: 'udp', family: `IPv${family}` } };
}
