/** Who is there: vehicles that are online and their connected sessions, from what they publish. */
import type { MqttClient } from 'mqtt';
import { type OfferState, parseMessage } from '../shared/messages.ts';
import { createTopics } from '../shared/topics.ts';

/** More than that are not looked at. */
const MAX_ROOMS = 10_000;

interface Room {
  /** Of the vehicle's run that is online; null when none is. */
  epoch: number | null;
  offer: OfferState | null;
}

export interface Census {
  /** @param sees of which rooms; null for all */
  count(sees: ((room: string) => boolean) | null): { vehiclesOnline: number; sessions: number };
  /** All that vehicles say they have. */
  sessions(): { room: string; peer: string }[];
  /** Those of a peer, whether it is their vehicle or their operator. */
  sessionsOf(peer: string): { room: string; peer: string }[];
  close(): void;
}

/** Takes the census over an MQTT connection until closed. The connection stays the caller's. */
export function startCensus(client: MqttClient, root: string): Census {
  const topics = createTopics(root);
  const rooms = new Map<string, Room>();

  function onMessage(topic: string, payload: Uint8Array): void {
    const parsed = topics.parse(topic);
    const own = parsed?.kind === 'presence' && parsed.peer === parsed.room;
    if (!parsed || !(own || parsed.kind === 'offer')) return;
    const room = rooms.get(parsed.room) ?? { epoch: null, offer: null };
    if (own) {
      const presence = parseMessage('presence', payload);
      const online = presence.ok && presence.value.role === 'vehicle' && presence.value.state === 'online';
      room.epoch = online ? presence.value.epoch : null;
    } else {
      const offer = parseMessage('offer', payload);
      room.offer = offer.ok ? offer.value : null;
    }
    if (room.epoch === null && room.offer === null) rooms.delete(parsed.room);
    else if (rooms.size < MAX_ROOMS) rooms.set(parsed.room, room);
  }

  const sessions = () =>
    [...rooms].flatMap(([room, { offer }]) => (offer?.sessions ?? []).map(({ peer }) => ({ room, peer })));

  // What the broker had stored is told anew with every connection.
  const onConnect = () => rooms.clear();
  client.on('connect', onConnect);
  client.on('message', onMessage);
  client.subscribe([topics.filters.presence(), topics.offer('+')], { qos: 1 });
  return {
    count(sees) {
      const seen = [...rooms].filter(([room]) => sees === null || sees(room));
      const online = seen.map(([, room]) => room).filter(({ epoch }) => epoch !== null);
      // An offer state is believed only while its author's presence is online, with the same epoch.
      const sessions = online
        .flatMap(({ epoch, offer }) => (offer?.epoch === epoch ? offer.sessions : []))
        .filter(({ phase }) => phase === 'connected');
      return { vehiclesOnline: online.length, sessions: sessions.length };
    },
    sessions,
    sessionsOf: (peer) => sessions().filter((one) => one.room === peer || one.peer === peer),
    close() {
      client.off('connect', onConnect);
      client.off('message', onMessage);
    },
  };
}
