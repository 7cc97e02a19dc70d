/**
 * When somebody's access ends, so do their sessions: the server says goodbye for them on the bus, to both ends.
 * A vehicle ends the session of an operator whose access is over, and brakes if that one was driving.
 */
import type { MqttClient } from 'mqtt';
import { OPERATOR_OUT, VEHICLE_OUT } from '../../shared/farewell-words.ts';
import { buildMessage } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import type { Census } from '../census.ts';
import type { Ended } from './gate.ts';

/** @param client the server's own connection */
export function sayFarewell(
  { grant: { sub }, reason }: Ended,
  { client, census, root, now }: { client: MqttClient; census: Census; root: string; now: number },
): void {
  const topics = createTopics(root);
  for (const { room, peer } of census.sessionsOf(sub)) {
    const detail = (sub === room ? VEHICLE_OUT : OPERATOR_OUT)[reason];
    const payload = buildMessage('bye', { reason: 'refused', detail }, now);
    client.publish(topics.bye(room, peer, room), payload, { qos: 1 });
    client.publish(topics.bye(room, room, peer), payload, { qos: 1 });
  }
}
