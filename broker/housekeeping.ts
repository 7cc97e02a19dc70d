/**
 * Clears what a dead vehicle left behind on the broker: its retained offer state, lease and safety.
 * Its presence and last telemetry stay, since the fleet page shows them.
 */
import type { MqttClient } from 'mqtt';
import type { Log } from '../shared/log.ts';
import { type Parsed, parseMessage } from '../shared/messages.ts';
import { createTopics } from '../shared/topics.ts';

/**
 * How long a vehicle must have been gone. A vehicle that starts again takes over its old
 * connection, whose death is announced just before it announces itself; without a pause its new
 * messages and our clearing could cross.
 */
const GRACE_MS = 1_000;

type Cleared = 'offer' | 'lease' | 'safety';

interface Room {
  /** Last presence of the vehicle. */
  presence: { online: boolean; epoch: number } | null;
  /** Retained messages that are there, as far as seen; of the offer state also its author's epoch. */
  offer: { epoch: number } | null;
  lease: boolean;
  safety: boolean;
}

/**
 * The bookkeeping alone: `receive` takes every message of the filters, and returns the room whose
 * vehicle has just gone; `leftovers` says which topics of a room are to be cleared now.
 */
export function createLeftovers(root: string) {
  const topics = createTopics(root);
  const rooms = new Map<string, Room>();

  const roomOf = (name: string): Room => {
    let room = rooms.get(name);
    if (!room) {
      room = { presence: null, offer: null, lease: false, safety: false };
      rooms.set(name, room);
    }
    return room;
  };

  return {
    filters: [topics.filters.presence(), topics.offer('+'), topics.lease('+'), topics.safety('+')],

    receive(topic: string, payload: Uint8Array): { gone: string | null; problem: string | null } {
      const nothing = { gone: null, problem: null };
      const parsed = topics.parse(topic);
      if (!parsed) return nothing;
      const empty = payload.byteLength === 0;
      switch (parsed.kind) {
        case 'presence': {
          // A vehicle's peer id is its room's name; nobody else's presence speaks for it.
          if (parsed.peer !== parsed.room) return nothing;
          const presence = empty ? null : parseMessage('presence', payload);
          if (presence && !presence.ok) return problem(topic, presence);
          const value = presence?.value.role === 'vehicle' ? presence.value : null;
          const room = roomOf(parsed.room);
          room.presence = value && { online: value.state === 'online', epoch: value.epoch };
          return { gone: value && value.state !== 'online' ? parsed.room : null, problem: null };
        }
        case 'offer': {
          const offer = empty ? null : parseMessage('offer', payload);
          if (offer && !offer.ok) return problem(topic, offer);
          roomOf(parsed.room).offer = offer && { epoch: offer.value.epoch };
          return nothing;
        }
        case 'lease':
        case 'safety':
          roomOf(parsed.room)[parsed.kind] = !empty;
          return nothing;
        default:
          return nothing;
      }
    },

    leftovers(name: string): { kind: Cleared; topic: string }[] {
      const room = rooms.get(name);
      if (!room?.presence || room.presence.online) return [];
      const kinds: Cleared[] = [];
      // An offer of a later run than the one that ended belongs to a vehicle that is there again.
      if (room.offer && room.offer.epoch <= room.presence.epoch) kinds.push('offer');
      if (room.offer === null || kinds.length > 0) {
        if (room.lease) kinds.push('lease');
        if (room.safety) kinds.push('safety');
      }
      return kinds.map((kind) => ({ kind, topic: topics[kind](name) }));
    },
  };
}

/** What was cleared of one vehicle is said once in this time, ms. */
const QUIET_MS = 60_000;
/** Different reasons that are logged. */
const MAX_SAID = 50;

/**
 * Keeps house over an MQTT connection until closed. The connection stays the caller's.
 * @param graceMs how long a vehicle must have been gone, ms
 */
export function startHousekeeping(
  client: MqttClient,
  root: string,
  log: Log,
  graceMs: number = GRACE_MS,
): { close(): void } {
  const house = createLeftovers(root);
  const pending = new Map<string, NodeJS.Timeout>();
  const said = new Set<string>();
  /** Rooms of which it was said lately: a vehicle can come and go as it likes. */
  const saidOf = new Set<string>();
  const forget = setInterval(() => saidOf.clear(), QUIET_MS);
  let closed = false;

  const clear = (room: string) => {
    pending.delete(room);
    const leftovers = house.leftovers(room);
    for (const { topic } of leftovers) {
      client.publish(topic, '', { qos: 1, retain: true }, (error) => {
        if (error && !closed)
          log.warn({ topic, reason: error.message }, 'could not clear what a vehicle left behind');
      });
    }
    const cleared = leftovers.map(({ kind }) => kind);
    if (cleared.length > 0 && !saidOf.has(room)) {
      log.info({ room, cleared }, 'cleared what a vehicle left behind');
      saidOf.add(room);
    }
  };

  const onMessage = (topic: string, payload: Uint8Array) => {
    const { gone, problem } = house.receive(topic, payload);
    // Once for each reason; a reason names a field, so there are few, and a flood of junk fills no log.
    if (problem && !said.has(problem) && said.size < MAX_SAID) {
      said.add(problem);
      log.warn({ topic, reason: problem }, 'message dropped');
    }
    if (!gone) return;
    clearTimeout(pending.get(gone));
    pending.set(
      gone,
      setTimeout(() => clear(gone), graceMs),
    );
  };
  // MQTT.js keeps the subscription over reconnects.
  const subscribe = () =>
    client.subscribe(house.filters, { qos: 1 }, (error) => {
      if (error && !closed) log.warn({ reason: error.message }, 'housekeeping could not subscribe');
    });

  client.on('message', onMessage);
  subscribe();
  return {
    close() {
      closed = true;
      clearInterval(forget);
      client.off('message', onMessage);
      for (const timer of pending.values()) clearTimeout(timer);
    },
  };
}

function problem(topic: string, parsed: Parsed<unknown>): { gone: null; problem: string } {
  return { gone: null, problem: parsed.ok ? `${topic} is fine` : parsed.reason };
}
