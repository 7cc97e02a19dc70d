/** Who drives, and what came of asking: in words. Pure. */
import type { VehicleState } from '../../shared/channels.ts';
import type { Presence } from '../../shared/messages.ts';
import type { RoomView } from '../../shared/room-view.ts';
import type { Tone } from './sentence.ts';

/** An operator by name where it has one. */
export function personName(id: string, operators: Record<string, Presence>, self: string): string {
  return id === self ? 'You' : (operators[id]?.name ?? id);
}

export function whoDrives(view: RoomView, self: string): string {
  // The vehicle's own grant is faster than what it tells everyone.
  if (view.claim.state === 'held') return 'You drive';
  const { holder, next } = view.lease ?? {};
  if (next) return `${personName(next, view.operators, self)} ${next === self ? 'are' : 'is'} next`;
  if (!holder || holder === self) return 'Nobody drives';
  return `${personName(holder, view.operators, self)} drives`;
}

/** The car's own word is faster than what it tells everyone. */
export const isEstopped = (view: RoomView, said: VehicleState | null): boolean =>
  (said?.safety ?? view.safety?.state) === 'estopped';

/** Who has stopped the car and why, while it is so. */
export function estopNotice(
  view: RoomView,
  said: VehicleState | null,
  self: string,
): { tone: Tone; text: string } | null {
  if (!isEstopped(view, said)) return null;
  const [who = '', ...why] = (view.safety?.reason ?? '').replace(/^by /, '').split(':');
  const by = who ? ` by ${who === self ? 'you' : personName(who, view.operators, self)}` : '';
  const because = why.length > 0 ? `: ${why.join(':').trim()}` : '';
  return { tone: 'danger', text: `Emergency stop${by}${because}. The car stays until it is reset.` };
}

/** What there is to say about this operator's claim to the wheel; null when all is as it should be. */
export function claimNotice(
  view: RoomView,
  because: { letGo: string | null; heldBack: string | null },
  self: string,
): { tone: Tone; text: string } | null {
  const { claim } = view;
  switch (claim.state) {
    case 'held':
      return because.heldBack === null ? null : { tone: 'careful', text: because.heldBack };
    case 'asked': {
      const { waits } = claim;
      if (waits === undefined) return { tone: 'careful', text: 'Asking the car for the wheel…' };
      // A hand that is on the throttle already must let go of it.
      const hands = because.heldBack === null ? '' : ' Let go of the throttle meanwhile.';
      return { tone: 'careful', text: `Please wait: ${withNames(waits, view, self)}.${hands}` };
    }
    case 'denied':
      return { tone: 'danger', text: `You can’t drive now: ${withNames(claim.reason, view, self)}.` };
    case 'revoked':
      return { tone: 'danger', text: `You don’t drive any more: ${withNames(claim.reason, view, self)}.` };
    case 'none': {
      // There is no driving on from here.
      const over =
        view.link.phase === 'ended' || (view.broker.state === 'refused' && view.link.phase !== 'connected');
      const text = because.letGo ?? (over ? null : because.heldBack);
      return text === null ? null : { tone: 'careful', text };
    }
  }
}

/** The vehicle knows operators by id only. */
function withNames(reason: string, view: RoomView, self: string): string {
  const text = reason.replace(/\.$/, '');
  return text.replace(/\b(op|sv)-[a-z0-9-]+/g, (id) => personName(id, view.operators, self));
}

/** Who wants the wheel that this operator has, as a question; null while nobody does. */
export function askedNotice(view: RoomView, self: string): string | null {
  if (view.askedBy === null) return null;
  return `${personName(view.askedBy, view.operators, self)} asks for the wheel.`;
}
