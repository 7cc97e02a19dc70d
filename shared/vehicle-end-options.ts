/** What a vehicle's end of its room needs, and what it tells. */
import type { BusOptions, BusState } from './bus.ts';
import type { ChannelEvent, Command } from './channels.ts';
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import type { Body, OfferState } from './messages.ts';
import type { Link } from './negotiation.ts';
import type { CreatePeer } from './peer.ts';
import type { Ed25519 } from './signature.ts';
import type { Doing } from './vehicle-reports.ts';
import type { Verdict } from './verdict.ts';

/** What happens between a vehicle and its operators, for whoever keeps a log. */
export type Recorded =
  /** @param age when it came, ms; null while the clocks weren't known @param dropped why it moved nothing; null if it counted */
  | { kind: 'command'; operator: string; command: Command; age: number | null; dropped: string | null }
  | { kind: 'lease'; holder: string | null; number: number; asked: boolean }
  | { kind: 'session'; operator: string; phase: Link['phase']; detail: string | null }
  /** @param direction as the vehicle sees it */
  | { kind: 'event'; operator: string; direction: 'received' | 'sent'; event: ChannelEvent }
  | { kind: 'link'; operator: string; link: Body<'link'> };

export interface VehicleEndOptions {
  url: string;
  root?: string;
  /** Where there is access control. */
  credentials?: Credentials | undefined;
  /** The broker lets nobody in who may not, so that an id says its role; else everybody says it of themselves. */
  guarded?: boolean;
  tls?: BusOptions['tls'];
  room: string;
  name?: string | undefined;
  /** The vehicle's secret key, with which it signs; it signs nothing without. */
  secretKey?: string | undefined;
  /** By which it signs and verifies; in JavaScript unless given. */
  ed25519?: Ed25519;
  /** The fleet's public key as it is known now: only operators with its pass are taken. Null, or left out, takes all. */
  fleetKey?(): string | null;
  /** Operators that are let in at a time. */
  maxOperators: number;
  /** A peer for one operator; video is attached by the caller, and flows when the operator has entered. */
  createPeer(operator: string, entered: Promise<void>): CreatePeer;
  /** What the vehicle does now; asked for at every state message. */
  doing(): Doing;
  /**
   * A command of the lease's holder, newer than the one before.
   * @param delay how old the picture was that it answers and the command itself, together, ms
   */
  onCommand(command: Command, delay: number): void;
  /** The lease is another one, and no command of before counts. @param asked its holder has asked for it */
  onLease(holder: string | null, asked: boolean): void;
  /** An emergency stop; from any peer, or over MQTT. */
  onEstop(by: string, reason: string | null): void;
  /** Somebody wants the emergency stop to be over. */
  onReset(by: string): void;
  /** The sessions of operators who have entered changed, or their phases. @param silent operators of whom nothing is heard at the moment */
  onSessions(sessions: OfferState['sessions'], silent: string[]): void;
  /** A session has failed, and why as far as it is known by now. */
  onFailed?(operator: string, why: Verdict): void;
  /**
   * Most video that may be sent from now on, kbit/s, since it goes over a relay and the budget for that
   * is used up; null when there is no such limit any more.
   */
  onRelayLimit?(kbps: number | null): void;
  onState?(state: BusState): void;
  /** Everything that a later question may be about, as it happens. */
  record?(entry: Recorded): void;
  /** Another agent has taken over this room. */
  onReplaced(): void;
  clock: Clock;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}
