/** Allocations at TURN servers by name. */
import { firstOf } from './first-of.ts';
import type { Target } from './ice-targets.ts';
import { resolve } from './resolve.ts';
import { type Allocation, type AllocationEvents, allocate } from './turn-allocation.ts';

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
