/** Where ICE servers (STUN and TURN) come from: one interface for lists, shared secrets and services. */
import type { IceServer } from '../../shared/server-api.ts';

/** Nothing is handed out for longer, seconds: whoever was told a credential can use it no longer than that. */
export const MAX_TTL_S = 3_600;

export interface IceGrant {
  iceServers: IceServer[];
  /** How long the credentials are valid, seconds. */
  ttl: number;
}

export interface IceProvider {
  /** What people call it, in warnings. */
  readonly name: string;
  /**
   * True: getting an answer costs a request to a service, and one answer does for all peers. False: it is
   * made here, for each peer.
   */
  readonly shared: boolean;
  /**
   * @param peer id of who is going to use them, for credentials that are made for one peer
   * @param signal aborted when the answer is not waited for any longer
   * @throws ProviderError
   */
  iceServers(peer: string, signal: AbortSignal): Promise<IceGrant>;
}

/** What is configured: where to ask, and how long credentials are to be valid, seconds up to MAX_TTL_S. */
export interface IceSetup {
  providers: IceProvider[];
  ttl: number;
}

/** Its message is a sentence for people, says what to check, and holds no secret. */
export class ProviderError extends Error {}
