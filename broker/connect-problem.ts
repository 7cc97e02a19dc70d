/** What a CONNECT may ask for, whoever it comes from. */
import type { ConnectPacket } from 'aedes';

export const MAX_CLIENT_ID_LENGTH = 64;
/**
 * Longest keepalive of a client with a will. A will is how a vehicle's death becomes known, after
 * one and a half times the keepalive.
 */
const KEEPALIVE_LIMIT_S = 30;

/** Return codes of CONNACK (MQTT 3.1.1, 3.2.2.3) that Aedes takes from an authenticate error. */
const IDENTIFIER_REJECTED = 2;
export const NOT_AUTHORIZED = 5;
export const SERVER_UNAVAILABLE = 3;

/** Why a CONNECT is refused; null when it is fine. */
export function connectProblem(
  packet: Pick<ConnectPacket, 'clientId' | 'keepalive' | 'will'>,
): { code: number; reason: string } | null {
  // Aedes applies its own limit to MQTT 3.1 only.
  if (packet.clientId.length > MAX_CLIENT_ID_LENGTH) {
    return {
      code: IDENTIFIER_REJECTED,
      reason: `the client id has more than ${MAX_CLIENT_ID_LENGTH} characters`,
    };
  }
  if (packet.will && (packet.keepalive ?? 0) > KEEPALIVE_LIMIT_S) {
    return {
      code: NOT_AUTHORIZED,
      reason: `the keepalive of a client with a will is at most ${KEEPALIVE_LIMIT_S} s`,
    };
  }
  return null;
}
