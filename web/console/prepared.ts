/** A room that has been made ready before it was asked for. There is at most one. */
import { warmUp } from '../peer.ts';
import { createRoom, type Room } from './room.ts';

/** A room that nobody enters is given up after this, ms. */
const UNUSED_MS = 15_000;

let prepared: { room: Room; giveUp: ReturnType<typeof setTimeout> } | null = null;

/** @param ahead the vehicle makes sessions ahead */
export function prepare(name: string, ahead: boolean): void {
  const kept = prepared?.room.name === name ? prepared.room : null;
  if (prepared) clearTimeout(prepared.giveUp);
  if (!kept) void prepared?.room.leave();
  if (!kept) warmUp();
  prepared = {
    room: kept ?? createRoom(name, ahead ? 'preparing' : 'unseen'),
    giveUp: setTimeout(drop, UNUSED_MS),
  };
}

/** The choice is made, of the prepared one or another. */
export function enter(name: string): void {
  if (prepared?.room.name !== name) prepare(name, false);
  prepared?.room.enter();
}

/** The room, entered: the prepared one, or a new one. */
export function take(name: string): Room {
  if (prepared?.room.name !== name) {
    drop();
    return createRoom(name, 'entered');
  }
  const { room, giveUp } = prepared;
  clearTimeout(giveUp);
  prepared = null;
  room.enter();
  return room;
}

function drop(): void {
  if (!prepared) return;
  clearTimeout(prepared.giveUp);
  void prepared.room.leave();
  prepared = null;
}
