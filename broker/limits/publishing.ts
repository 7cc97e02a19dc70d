/** The limits of one PUBLISH that the broker is asked to take. */
import type { Client, PublishPacket } from 'aedes';
import type { Guard } from './guard.ts';
import type { Refusal } from './limits.ts';

/**
 * Why a client is closed for a message; null when the message is taken. MQTT 3.1.1 leaves nothing else for
 * what is refused at QoS 1 and 2: an acknowledgement would say that the message is kept (3.3.5-2).
 * @param packet is changed: it says whose it is, and is no longer retained when only that can't be done
 * @param share of all that is retained which its kind may take
 * @param over is told of what goes over a limit
 */
export function publishRefusal(
  { limits, claims, retained }: Guard,
  client: Client,
  packet: PublishPacket,
  share: number,
  over: (refusal: Refusal, message?: string) => void,
): Refusal | null {
  // For whoever keeps it.
  Object.assign(packet, { clientId: client.id });
  const refusal = claims.publish(client, packet.topic) ?? sizeRefusal(packet, limits.messageBytes);
  const unkept = packet.retain ? retained.refusal(packet, client.id, share) : null;
  if (refusal || (unkept && packet.qos > 0)) {
    over(refusal ?? (unkept as Refusal));
    return refusal ?? unkept;
  }
  if (unkept) {
    // MQTT lets a server discard what is retained at QoS 0 at any time (3.3.1.3).
    packet.retain = false;
    over(unkept, 'retained message passed on, not kept');
  }
  return null;
}

function sizeRefusal({ payload }: PublishPacket, most: number): Refusal | null {
  const size = payload?.length ?? 0;
  return size > most ? { limit: 'messageBytes', reason: `a payload of ${size} bytes` } : null;
}
