/** The lease as a vehicle's end keeps it: who has it, who is told what, and what everyone sees of it. */
import type { VehicleEvent } from './channels.ts';
import type { Clock } from './clock.ts';
import { type Lease, type LeaseEvent, leaseAfter, noLease } from './lease.ts';
import type { Body } from './messages.ts';

/** How often it is looked whether the vehicle stands, or somebody has taken too long, ms. */
const LOOK_MS = 50;

export interface VehicleLeaseOptions {
  standing(): boolean;
  tell(peer: string, event: VehicleEvent): void;
  /**
   * The holder or the number is another one.
   * @param asked the holder has asked for it at this moment
   */
  onLease(holder: string | null, number: number, asked: boolean): void;
  /** What everyone sees is different. */
  onChange(): void;
  clock: Clock;
}

export type VehicleLease = ReturnType<typeof keepLease>;

export function keepLease({ standing, tell, onLease, onChange, clock }: VehicleLeaseOptions) {
  let lease: Lease = noLease(clock.now());
  /** When the holder's last command came, ms since the epoch. */
  let heardAt = 0;

  function step(event: LeaseEvent): void {
    const before = lease;
    const now = clock.now();
    const [after, words] = leaseAfter(before, event, now);
    lease = after;
    if (after.number !== before.number || after.holder !== before.holder) {
      // Who has waited may have a hand on the throttle by now.
      const asked = event.type === 'request' && after.holder === event.peer;
      onLease(after.holder, after.number, asked);
    }
    for (const { to, ...word } of words) tell(to, { ...word, ts: now });
    const seen = ({ holder, next, asking }: Lease) => `${holder} ${next?.peer} ${asking?.peer}`;
    if (seen(after) !== seen(before)) onChange();
  }
  const stopLooking = clock.every(LOOK_MS, () => {
    if (lease.holder !== null || lease.next !== null) step({ type: 'tick', standing: standing(), heardAt });
  });

  return {
    /** A command may move something: it is the holder's, under the present number. */
    admits(peer: string, number: number): boolean {
      if (lease.holder !== peer) return false;
      heardAt = clock.now();
      return lease.number === number;
    },
    get holder(): string | null {
      return lease.holder;
    },
    /** As everyone is told. */
    get message(): Body<'lease'> {
      const { holder, since, next, asking } = lease;
      return {
        holder,
        since,
        ...(next ? { next: next.peer } : {}),
        ...(asking ? { asking: asking.peer } : {}),
      };
    },
    request(peer: string, how: 'plain' | 'handover' | 'takeover'): void {
      step({ type: 'request', peer, how, standing: standing() });
    },
    handover: (peer: string, to: string) => step({ type: 'handover', peer, to, standing: standing() }),
    decline: (peer: string, to: string) => step({ type: 'decline', peer, to }),
    release: (peer: string) => step({ type: 'release', peer, standing: standing() }),
    lost: (peer: string) => step({ type: 'lost', peer, standing: standing() }),
    back: (peer: string) => step({ type: 'back', peer }),
    renew: () => step({ type: 'renew' }),
    close: stopLooking,
  };
}
