/**
 * Adds up what went over relays, per vehicle and calendar month (UTC): pure, from `link` messages.
 *
 * A session says its own total again and again, so only what is more than it said before is added:
 * a message that comes twice, late, or after a restart of the server adds nothing twice, and one that
 * got lost is made up for by the next.
 */
import { sessionEpoch } from '../../shared/negotiation-state.ts';
import { monthOf } from './month.ts';

/**
 * Most that a vehicle's link is believed to carry, bytes a second. 800 Mbit/s: some hundred operators
 * at the default bit rate, each byte counted for a relay at both ends.
 */
const MOST_BYTES_PER_S = 100e6;
/** Messages come once a second, but not always on time; so much more is believed at once, s. */
const SLACK_S = 10;
/** What a vehicle says after a longer silence is measured against this, ms. */
const LONGEST_SILENCE_MS = 24 * 3_600_000;
/** This month and the twelve before. */
const MAX_MONTHS = 13;
export const MAX_ROOMS = 2_000;
/** Of one vehicle; those that were not heard of for longest go first. */
const MAX_SESSIONS = 200;

/** What a ledger is saved as. */
export interface LedgerData {
  /** By month, `2027-05`. */
  months: Record<string, { all: number; rooms: Record<string, number> }>;
  rooms: Record<string, RoomData>;
}

interface RoomData {
  /** Last message, server's clock, ms since the epoch. */
  at: number;
  /** Bytes that would be believed at once at that time. */
  spare: number;
  sessions: Record<string, { bytes: number; at: number }>;
}

/** What a `link` message says of relayed data. */
export interface Report {
  room: string;
  operator: string;
  /** Undefined from vehicles that don't say it. */
  session?: string | undefined;
  relayBytes: number;
}

/** Bytes that were added, or why the message was dropped. */
export type Counted = { added: number } | { problem: string };

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(saved?: LedgerData) {
  const months = new Map<string, { all: number; rooms: Map<string, number> }>();
  const rooms = new Map<string, Room>();
  for (const [month, { all, rooms: each }] of Object.entries(saved?.months ?? {})) {
    months.set(month, { all, rooms: new Map(Object.entries(each)) });
  }
  for (const [name, { at, spare, sessions }] of Object.entries(saved?.rooms ?? {})) {
    rooms.set(name, { at, spare, counted: 0, sessions: new Map(Object.entries(sessions)) });
  }

  function count({ room: name, operator, session, relayBytes }: Report, now: number): Counted {
    // A session's name is one among those of its operator only.
    const key = session === undefined ? operator : `${operator} ${session}`;
    const room = rooms.get(name) ?? newRoom();
    const known = room.sessions.get(key);
    let before = known?.bytes ?? 0;
    if (relayBytes < before) {
      // An operator's id is new with each page, but not with each session: without a name for it, less
      // than before is all that tells that it is another one.
      if (session !== undefined) return { added: 0 };
      before = 0;
    }
    const added = relayBytes - before;
    const since = known ? room.at : Math.max(room.at, earliest(session, now));
    const silence = Math.min(LONGEST_SILENCE_MS, Math.max(0, now - since));
    const believed = room.spare + (MOST_BYTES_PER_S * silence) / 1000;
    if (added > believed) return { problem: `it says ${added} bytes more, and no link carries that many` };

    room.spare = Math.min(MOST_BYTES_PER_S * SLACK_S, believed - added);
    room.at = now;
    room.sessions.set(key, { bytes: relayBytes, at: now });
    if (room.sessions.size > MAX_SESSIONS) forgetOldest(room.sessions);
    if (!rooms.has(name)) addRoom(name, room);
    room.counted += added;
    if (added > 0) add(name, added, monthOf(now));
    return { added };
  }

  function add(name: string, bytes: number, key: string): void {
    let month = months.get(key);
    if (!month) {
      month = { all: 0, rooms: new Map() };
      months.set(key, month);
      for (const old of [...months.keys()].sort().slice(0, -MAX_MONTHS)) months.delete(old);
    }
    month.all += bytes;
    month.rooms.set(name, (month.rooms.get(name) ?? 0) + bytes);
  }

  function addRoom(name: string, room: Room): void {
    rooms.set(name, room);
    if (rooms.size <= MAX_ROOMS) return;
    // What it carried stays in the sums of all.
    const gone = forgetOldest(rooms);
    for (const month of months.values()) month.rooms.delete(gone);
  }

  return {
    count,
    /** Bytes of one vehicle in a month. */
    ofRoom: (room: string, month: string): number => months.get(month)?.rooms.get(room) ?? 0,
    /** Bytes of all vehicles in a month, also of those that are forgotten. */
    ofAll: (month: string): number => months.get(month)?.all ?? 0,
    /** Vehicles that are known, each with its bytes since the process started. */
    rooms: (): [room: string, counted: number][] => [...rooms].map(([room, { counted }]) => [room, counted]),
    save: (): LedgerData => ({
      months: Object.fromEntries(
        [...months].map(([key, { all, rooms }]) => [key, { all, rooms: Object.fromEntries(rooms) }]),
      ),
      rooms: Object.fromEntries(
        [...rooms].map(([name, { at, spare, sessions }]) => [
          name,
          { at, spare, sessions: Object.fromEntries(sessions) },
        ]),
      ),
    }),
  };
}

interface Room extends Omit<RoomData, 'sessions'> {
  sessions: Map<string, { bytes: number; at: number }>;
  /** Bytes since the process started. */
  counted: number;
}

const newRoom = (): Room => ({ at: 0, spare: MOST_BYTES_PER_S * SLACK_S, counted: 0, sessions: new Map() });

/** A session is no older than the vehicle's run, with whose time of start its name begins (in base 36). */
function earliest(session: string | undefined, now: number): number {
  return session === undefined ? now : sessionEpoch(session);
}

function forgetOldest(entries: Map<string, { at: number }>): string {
  let [oldest = ''] = entries.keys();
  for (const [key, { at }] of entries) if (at < (entries.get(oldest)?.at ?? 0)) oldest = key;
  entries.delete(oldest);
  return oldest;
}
