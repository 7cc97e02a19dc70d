/**
 * Whom a vehicle takes for an operator, when it knows the key of its fleet: who has a pass of that fleet, and
 * signs with the key that the pass names. Everybody else's descriptions are dropped before they can do anything to a session.
 */

import type { Sdp } from './messages.ts';
import { type Pass, readPass } from './pass.ts';
import type { PersonBudget } from './person-budget.ts';
import { roomMatches } from './room-pattern.ts';
import { type Ed25519, verifyDescription } from './signature.ts';

/** Those who may see and drive (README, access). */
const ROLES: readonly string[] = ['operator', 'supervisor'];

/** Not looked at: too many before it were wrong. */
export const TOO_MANY = 'too many of this operator’s descriptions were wrong';

export type OperatorCheck = ReturnType<typeof createOperatorCheck>;

export interface OperatorCheckOptions {
  room: string;
  peer: string;
  /** The fleet's public key as it is known now; null demands nothing. */
  fleetKey(): string | null;
  /** Of wrong ones, of everybody at this vehicle. */
  failures: PersonBudget;
  /** By which signatures are verified. */
  ed25519?: Ed25519 | undefined;
  /** Vehicle's clock, ms since the epoch. */
  now(): number;
}

export function createOperatorCheck({ room, peer, fleetKey, failures, ed25519, now }: OperatorCheckOptions) {
  /** The last pass that was shown: the same one is looked at once. */
  let shown: { text: string; by: string; pass: Pass | null } | null = null;
  let role: string | null = null;

  function passOf(text: string, by: string): Pass | null {
    if (shown?.text !== text || shown.by !== by) shown = { text, by, pass: readPass(text, by, ed25519) };
    return shown.pass;
  }

  function whyNot(message: Sdp, by: string): string | null {
    if (message.pass === undefined) return 'no pass was shown';
    const pass = passOf(message.pass, by);
    if (pass === null) return 'the pass is not one of this fleet';
    if (pass.sub !== peer) return 'the pass is somebody else’s';
    if (pass.exp * 1000 <= now()) return 'the pass has expired';
    if (!ROLES.includes(pass.role)) return 'the pass is for a role that does not drive';
    if (!pass.rooms.some((pattern) => roomMatches(pattern, room))) return 'the pass is not for this vehicle';
    const { key, sig } = message;
    const signed = sig !== undefined && key === pass.key;
    if (!signed || !verifyDescription({ ...message, room, from: peer, to: room }, sig, pass.key, ed25519))
      return 'it is not signed with the key of the pass';
    ({ role } = pass);
    return null;
  }

  return {
    /** Why a description is to be dropped, as a clause; null when it is to be taken. */
    refuses(message: Sdp): string | null {
      const by = fleetKey();
      if (by === null) return null;
      if (failures.isSpent(peer)) return TOO_MANY;
      const why = whyNot(message, by);
      if (why !== null) failures.charge(peer);
      return why;
    },
    /** It may take the wheel from others, as far as the fleet has a say in it. */
    maySupervise: (): boolean => fleetKey() === null || role === 'supervisor',
  };
}
