/** Who a client of the broker or a caller of the web server is. */
import { type Role, sessionOfPeer } from '../../shared/roles.ts';
import { roomMatches } from '../../shared/room-pattern.ts';

/** That one token may name. */
export const MOST_ROOMS = 32;

export interface Identity {
  /** Its peer id, the `sub` of its token. */
  sub: string;
  role: Role;
  /** Names of rooms, and patterns: see room-pattern.ts. */
  rooms: string[];
}

export const mayEnter = ({ rooms }: Pick<Identity, 'rooms'>, room: string): boolean =>
  rooms.some((pattern) => roomMatches(pattern, room));

/** Whether it names all rooms that there are or may be. */
export const entersAll = ({ rooms }: Pick<Identity, 'rooms'>): boolean => rooms.includes('*');

/** Whether the client can be only in this one room. */
export const onlyRoom = ({ rooms }: Pick<Identity, 'rooms'>): string | null =>
  rooms.length === 1 && !rooms[0]?.includes('*') ? (rooms[0] ?? null) : null;

/** Whether it is the peer, or the session of it. */
export const isOwnPeer = ({ sub }: Pick<Identity, 'sub'>, peer: string): boolean =>
  peer === sub || sessionOfPeer(peer) === sub;
