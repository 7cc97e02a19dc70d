/** Giving access: invitations for people, tokens for vehicles and programs. */
import { idProblemFor, PREFIXES, type Role } from '../../shared/roles.ts';
import { isRoomPattern, isWildcard } from '../../shared/room-pattern.ts';
import { MOST_ROOMS } from './identity.ts';
import { addGranted } from './register.ts';
import { type Grant, newId, type Tokens } from './tokens.ts';

export interface Invited {
  role: Role;
  /** Names and patterns of rooms; a vehicle's is its own. */
  rooms: string[];
  /** How long access lasts, seconds. */
  forS: number;
  /** How many browsers may use it. */
  uses: number;
}

export interface Issued {
  text: string;
  id: string;
  /** Seconds since the epoch. */
  until: number;
}

/** Somebody who has signed in elsewhere. */
export type SignedIn = Pick<Grant, 'sub' | 'role' | 'rooms' | 'name' | 'issued' | 'until'>;

export interface Issuer {
  /** @throws Error of one sentence when nobody can have that */
  invitation(invited: Invited): Promise<Issued>;
  /** @param sub the peer id @throws Error of one sentence when nobody can have that */
  token(sub: string, granted: Omit<Invited, 'uses'>): Promise<Issued>;
  /** Writes it down. @param id of the person, by which it can be ended @throws Error of one sentence */
  signedIn(id: string, session: SignedIn): void;
  /** Writes it down. @param from the id of the invitation or the person @throws Error of one sentence */
  session(session: SignedIn & Pick<Grant, 'id'>, from: string): void;
}

/** @param folder where it is written down who was given what @param now seconds since the epoch */
export function createIssuer(tokens: Tokens, folder: string, now: () => number): Issuer {
  return {
    async invitation({ role, rooms, forS, uses }) {
      if (role === 'monitor')
        throw new Error('A monitor is a program: give it a token, as there is no page for it.');
      checkRooms(role, rooms);
      const [id, issued] = [newId(), now()];
      const until = issued + forS;
      // A page's own id is made when the link is used.
      const sub = role === 'vehicle' ? (rooms[0] ?? '') : `${PREFIXES[role]}invited`;
      const grant = { id, sub, role, rooms, from: [], issued, expires: until, until, uses };
      addGranted(folder, { id, kind: 'invitation', role, rooms, uses, issued, until });
      return { text: await tokens.issue('invitation', grant), id, until };
    },
    async token(sub, { role, rooms, forS }) {
      const problem = idProblemFor(role, sub);
      if (problem) throw new Error(problem);
      if (role === 'vehicle' && (rooms.length !== 1 || rooms[0] !== sub))
        throw new Error(`A vehicle has one room, of its own name: '${sub}'.`);
      checkRooms(role, rooms);
      const [id, issued] = [newId(), now()];
      const until = issued + forS;
      addGranted(folder, { id, kind: 'token', role, rooms, sub, issued, until });
      const grant = { id, sub, role, rooms, from: [], issued, expires: until, until };
      return { text: await tokens.issue('mqtt', grant), id, until };
    },
    signedIn(id, { sub, role, rooms, name, issued, until }) {
      addGranted(folder, { id, kind: 'sign-in', role, rooms, sub, name, issued, until });
    },
    session({ id, sub, role, rooms, name, issued, until }, from) {
      addGranted(folder, { id, kind: 'session', from, role, rooms, sub, name, issued, until });
    },
  };
}

function checkRooms(role: Role, rooms: string[]): void {
  if (rooms.length === 0) throw new Error('Name at least one room.');
  if (rooms.length > MOST_ROOMS) throw new Error(`A token has at most ${MOST_ROOMS} rooms and patterns.`);
  for (const room of rooms) {
    if (!isRoomPattern(room))
      throw new Error(
        `'${room}' is neither a room nor a pattern: 1 to 32 of a-z, 0-9, '-' and '*', and no '-' first.`,
      );
  }
  if (role !== 'vehicle') return;
  const [room = '', another] = rooms;
  if (another !== undefined || isWildcard(room)) throw new Error('A vehicle has one room, of its own name.');
  const problem = idProblemFor('vehicle', room);
  if (problem) throw new Error(problem);
}
