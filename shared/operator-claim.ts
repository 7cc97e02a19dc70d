/** An operator's claim to the wheel: asking for it, having it, handing it over, and giving it back. */
import type { OperatorEvent, VehicleEvent } from './channels.ts';
import type { Clock } from './clock.ts';
import { REGAIN_MS } from './lease.ts';
import { type Claim, isClaimed, type RoomView } from './room-view.ts';

export interface ClaimOptions {
  view(): Pick<RoomView, 'claim' | 'askedBy'>;
  update(change: Partial<Pick<RoomView, 'claim' | 'askedBy'>>): void;
  /** False when it could not be sent. */
  say(event: OperatorEvent): boolean;
  drop(why: string): void;
  clock: Clock;
}

/** How to ask: plainly, which is denied while somebody drives; that one to hand over; or to take it, as a supervisor. */
export type How = 'plain' | 'handover' | 'takeover';

export function keepClaim({ view, update, say, drop, clock }: ClaimOptions) {
  /** Held or asked for when the session was lost: until when it is asked for again in a new one, ms since the epoch. */
  let regainUntil = 0;
  /** How it was asked for last. */
  let asked: How = 'plain';
  const set = (claim: Claim) => update({ claim, askedBy: null });
  /** Has asked, or drove in the session before this one: the vehicle may grant it again unasked. */
  const wantsWheel = () => isClaimed(view().claim) || clock.now() < regainUntil;

  function request(how: How = 'plain'): void {
    const { claim } = view();
    if (claim.state === 'held' || (claim.state === 'asked' && how === 'plain')) return;
    asked = how;
    if (ask(how)) set({ state: 'asked' });
  }

  function ask(how: How): boolean {
    const told = how === 'plain' ? {} : { how };
    return say({ type: 'request', ts: clock.now(), ...told });
  }

  function answer(type: 'handover' | 'decline'): void {
    const { askedBy } = view();
    if (askedBy === null) return;
    say({ type, ts: clock.now(), peer: askedBy });
    update({ askedBy: null });
  }

  return {
    request,
    /** The wheel goes to the one who asks for it. */
    handOver: () => answer('handover'),
    /** It does not. */
    decline: () => answer('decline'),
    /** Gives the wheel back, or does not ask for it any more. */
    release(): void {
      regainUntil = 0;
      if (!isClaimed(view().claim)) return;
      say({ type: 'release', ts: clock.now() });
      set({ state: 'none' });
    },
    /** The vehicle's word on it. */
    heard(event: Extract<VehicleEvent, { type: 'grant' | 'deny' | 'wait' | 'revoke' | 'handover' }>): void {
      switch (event.type) {
        case 'grant':
          // Whoever has let go before the answer came must not believe in it, nor the vehicle.
          if (!wantsWheel()) return void say({ type: 'release', ts: clock.now() });
          // A new number changes nothing for who asks for the wheel.
          return update({ claim: { state: 'held', lease: event.lease } });
        case 'wait':
          if (view().claim.state !== 'asked') return drop('a wait for what is not asked for any more');
          return set({ state: 'asked', waits: event.reason });
        case 'deny':
          if (!wantsWheel()) return drop('a denial of what is not asked for any more');
          return set({ state: 'denied', reason: event.reason });
        case 'revoke':
          return set({ state: 'revoked', reason: event.reason });
        case 'handover':
          return update({ askedBy: view().claim.state === 'held' ? event.peer : null });
      }
    },
    /** Nobody drives any more: that somebody does is no reason now. */
    free(): void {
      if (view().claim.state === 'denied') set({ state: 'none' });
    },
    /** The session was interrupted, and a new one may follow. */
    lost(): void {
      if (isClaimed(view().claim)) regainUntil = clock.now() + REGAIN_MS;
    },
    /** Another connection has taken over: what either end has said last may not have arrived. */
    again(): void {
      const { claim } = view();
      if (claim.state === 'asked') ask(asked);
      else if (claim.state === 'held') ask('plain');
      else say({ type: 'release', ts: clock.now() });
    },
    /** A session is open. */
    open(): void {
      if (view().claim.state === 'none' && clock.now() < regainUntil) request();
      regainUntil = 0;
    },
  };
}
