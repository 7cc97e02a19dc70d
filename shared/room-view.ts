/** All that an operator's end knows of its room. */
import type { BusState } from './bus.ts';
import type { Limits } from './channels.ts';
import type { ClockEstimate } from './clock-sync.ts';
import type {
  Lease,
  Link as LinkMessage,
  OfferState,
  Presence,
  Safety,
  Telemetry,
  Usage,
} from './messages.ts';
import type { Link } from './negotiation.ts';
import { NO_REPORTS, type Reports } from './reports.ts';
import { NOBODY_YET, type VehicleIdentity } from './vehicle-trust.ts';

/** What this operator's claim to the wheel has come to. */
export type Claim =
  | { state: 'none' }
  /** What it waits for: the holder's answer, or the vehicle to stand; missing before the vehicle's word. */
  | { state: 'asked'; waits?: string }
  | { state: 'held'; lease: number }
  | { state: 'denied' | 'revoked'; reason: string };

export const isClaimed = ({ state }: Claim): boolean => state === 'held' || state === 'asked';

/** All that is known of the room; a new object for every change. */
export interface RoomView {
  broker: BusState;
  /** The vehicle's presence; null when it was never there. */
  vehicle: Presence | null;
  /** The retained ones below are believed, and not null, only while the vehicle is online. */
  offer: OfferState | null;
  lease: Lease | null;
  safety: Safety | null;
  /** The vehicle's last telemetry, however old. */
  telemetry: Telemetry | null;
  /** The server's word on the vehicle's relayed data; null when there is none. */
  usage: Usage | null;
  /** The vehicle's word on this operator's path, once a second. */
  path: LinkMessage | null;
  /** Operators in the room, this one included, by id. */
  operators: Record<string, Presence>;
  /** The session with the vehicle. */
  link: Link;
  claim: Claim;
  /** Who asks this operator, who has the wheel, to hand over. */
  askedBy: string | null;
  /** How fast the vehicle lets itself be driven; null before its first word. */
  limits: Limits | null;
  /** What both ends know of the network in this session, or in the last one. */
  reports: Reports;
  /** The vehicle's clock against this one; null before the first answer. */
  clock: ClockEstimate | null;
  /** Who the vehicle is, by its signatures. */
  identity: VehicleIdentity;
}

/** The view before anything has come. */
export const NOTHING_KNOWN: RoomView = {
  broker: { state: 'connecting' },
  vehicle: null,
  offer: null,
  lease: null,
  safety: null,
  telemetry: null,
  usage: null,
  path: null,
  operators: {},
  link: { phase: 'waiting' },
  claim: { state: 'none' },
  askedBy: null,
  limits: null,
  reports: NO_REPORTS,
  clock: null,
  identity: NOBODY_YET,
};
