/**
 * When somebody's access ends, so do their sessions: the server says goodbye for them on the bus, to both ends.
 * A vehicle ends the session of an operator whose access is over, and brakes if that one was driving.
 */
import type { MqttClient } from 'mqtt';
import type { Clock } from '../../shared/clock.ts';
import { OPERATOR_OUT, VEHICLE_OUT } from '../../shared/farewell-words.ts';
import { buildMessage } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import type { Census } from '../census.ts';
import type { Ended } from './gate.ts';
import type { Holders } from './holders.ts';

/** How often sessions are looked at, ms. */
const LOOK_MS = 1_000;

export interface Farewell {
  /** Somebody's access is over: what is there of their sessions ends now. */
  say(sub: string, reason: Ended['reason']): void;
  close(): void;
}

/**
 * Says it again as long as a vehicle has such a session: it, or this server, may not have been there to hear or say it.
 * @param client the server's own connection
 * @param holds whether a peer has come in with a right that it has still
 */
export function createFarewell(
  {
    client,
    census,
    root,
    holders,
    holds,
  }: {
    client: MqttClient;
    census: Census;
    root: string;
    holders: Holders;
    holds(peer: string): boolean;
  },
  clock: Clock,
): Farewell {
  const topics = createTopics(root);

  function end(room: string, peer: string, whose: 'vehicle' | 'operator', reason: Ended['reason']): void {
    const detail = (whose === 'vehicle' ? VEHICLE_OUT : OPERATOR_OUT)[reason];
    const payload = buildMessage('bye', { reason: 'refused', detail }, clock.now());
    client.publish(topics.bye(room, peer, room), payload, { qos: 1 });
    client.publish(topics.bye(room, room, peer), payload, { qos: 1 });
  }

  const stop = clock.every(LOOK_MS, () => {
    if (!client.connected) return;
    holders.refresh();
    const over = (peer: string) => (holds(peer) ? null : holders.over(peer));
    for (const { room, peer } of census.sessions()) {
      const [ofVehicle, ofOperator] = [over(room), over(peer)];
      if (ofVehicle) end(room, peer, 'vehicle', ofVehicle);
      else if (ofOperator) end(room, peer, 'operator', ofOperator);
    }
  });

  return {
    say(sub, reason) {
      for (const { room, peer } of census.sessionsOf(sub))
        end(room, peer, sub === room ? 'vehicle' : 'operator', reason);
    },
    close: stop,
  };
}
