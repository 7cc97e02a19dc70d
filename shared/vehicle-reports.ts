/** The messages in which a vehicle says how it is: pure, from what its end of the room knows. */
import type { Visitor } from './admission.ts';
import type { VehicleState } from './channels.ts';
import type { Body, OfferState } from './messages.ts';
import { isLive } from './negotiation.ts';
import type { PathStats } from './peer.ts';

/** What the vehicle does now, as far as operators see it. */
export type Doing = Pick<VehicleState, 'speed' | 'steer' | 'throttle' | 'brake' | 'gear' | 'safety'>;

/** The last fresh command of an operator: its `t`, and when it came, on the vehicle's clock. */
export interface LastCommand {
  t: number;
  at: number;
  /** How old it was then, ms; null where that is not known. */
  late: number | null;
}

/** @param now vehicle's clock, ms */
export function stateMessage(seq: number, last: LastCommand | null, doing: Doing, now: number): VehicleState {
  const { speed, steer, throttle, brake, gear, safety } = doing;
  return {
    seq,
    t: now,
    echo: last?.t ?? null,
    age: last ? now - last.at : 0,
    ...(typeof last?.late === 'number' ? { late: Math.round(last.late) } : {}),
    speed: rounded(speed),
    steer: rounded(steer),
    throttle: rounded(throttle),
    brake: rounded(brake),
    gear,
    safety,
  };
}

/** No finer than anybody can tell: on a narrow path each digit takes its part. */
const rounded = (value: number) => Math.round(value * 1_000) / 1_000;

/** The sessions that exist, as the offer state lists them. */
export function sessionsOf(operators: ReadonlyMap<string, Visitor>): OfferState['sessions'] {
  return [...operators].flatMap(
    ([
      peer,
      {
        session: { link },
        entered,
      },
    ]) => {
      if (!isLive(link)) return [];
      const phase = link.phase === 'connecting' ? ('offering' as const) : ('connected' as const);
      const prepared = entered ? {} : { prepared: true };
      return [{ peer, session: link.session, phase, ...prepared }];
    },
  );
}

/** Of whom nothing is heard at the moment. */
export const silentOf = (operators: ReadonlyMap<string, Visitor>): string[] =>
  [...operators].filter(([, { session }]) => session.link.phase === 'restoring').map(([peer]) => peer);

export function offerMessage(from: string, epoch: number, sessions: OfferState['sessions']): Body<'offer'> {
  const connected = sessions.some(({ phase, prepared }) => phase === 'connected' && !prepared);
  const phase = connected ? 'connected' : sessions.length > 0 ? 'offering' : 'waiting';
  return { from, epoch, phase, sessions };
}

/**
 * The figures of what changed since the message before.
 * @param ms between the two
 */
export function linkMessage(
  session: string,
  now: PathStats,
  before: PathStats | null,
  ms: number,
): Body<'link'> {
  const sent = now.bytesSent - (before?.bytesSent ?? now.bytesSent);
  const body: Body<'link'> = {
    session,
    path: now.path,
    protocol: now.protocol,
    rttMs: Math.round((now.rttMs ?? 0) * 10) / 10,
    lossPct: Math.round((now.lossPct ?? 0) * 10) / 10,
    kbps: ms > 0 ? Math.max(0, Math.round((sent * 8) / ms)) : 0,
    relayBytes: now.relayBytes,
  };
  if (now.relayProtocol) body.relayProtocol = now.relayProtocol;
  if (now.reduced) body.reduced = now.reduced;
  if (now.otherRelayProtocol) body.operatorRelayProtocol = now.otherRelayProtocol;
  return body;
}
