/** Who a client of the broker or a caller of the web server is. */
import type { Role } from '../../shared/roles.ts';
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

/** Hex digits of a session in the ids of its pages, and of one page in them: see {@link sessionOfPeer}. */
export const SESSION_DIGITS = 10;
export const PEER_DIGITS = 8;
const OF_A_PAGE = new RegExp(`^((?:op|sv)-[0-9a-f]{${SESSION_DIGITS}})-[0-9a-f]{${PEER_DIGITS}}$`);

/** The ids of a browser's pages begin with that of its session; any other id is its own. */
export const sessionOfPeer = (peer: string): string => OF_A_PAGE.exec(peer)?.[1] ?? peer;

/** Whether it is the peer, or the session of it. */
export const isOwnPeer = ({ sub }: Pick<Identity, 'sub'>, peer: string): boolean =>
  peer === sub || sessionOfPeer(peer) === sub;
