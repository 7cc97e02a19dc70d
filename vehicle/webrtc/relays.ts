/** Allocations at TURN servers, one for each URL, and their candidates. */
import { firstOf } from './first-of.ts';
import type { Target, TurnTransport } from './ice-targets.ts';
import { resolve } from './resolve.ts';
import { type Allocation, type AllocationEvents, allocate } from './turn-allocation.ts';

/** Type preferences as libwebrtc has them: the nearer to plain UDP, the better. RFC 8445, section 5.1.2.1. */
const TYPE_PREFERENCE: Record<TurnTransport, number> = { udp: 2, tcp: 1, tls: 0 };
/** The same for all, as there is one address of a kind. */
const LOCAL_PREFERENCE = 8191;

/** @throws UnknownHostError and what `allocate` throws */
export async function allocateAnywhere(
  target: Target,
  events: AllocationEvents,
  signal: AbortSignal,
): Promise<Allocation> {
  const addresses = await resolve(target.host);
  if (target.transport !== 'udp') return allocate(target, addresses, events, signal);
  const attempt = (address: string, own: AbortSignal) => allocate(target, [address], events, own);
  return firstOf(addresses, attempt, (late) => void late.close(), signal);
}

/** One of this end's relayed addresses (RFC 8839, section 5.1). */
export function relayCandidate({ target, relayed, mapped }: Allocation): string {
  const priority = TYPE_PREFERENCE[target.transport] * 2 ** 24 + LOCAL_PREFERENCE * 2 ** 8 + 255;
  // Of another server or way, another one (RFC 8445, section 5.1.1.3).
  const foundation = `${target.transport}${Buffer.from(relayed[0]).toString('hex')}`.slice(0, 32);
  const [near, nearPort] = mapped;
  return `candidate:${foundation} 1 udp ${priority} ${relayed.join(' ')} typ relay raddr ${near} rport ${nearPort}`;
}
