/**
 * TURN servers that share a secret with this server, as coturn does with `use-auth-secret`: the
 * credential is made here, for one peer, and expires (draft-uberti-behave-turn-rest-00).
 */
import { createHmac } from 'node:crypto';
import type { IceProvider } from './provider.ts';

export interface CoturnOptions {
  /** turn: and turns: */
  urls: string[];
  /** `static-auth-secret` of turnserver.conf. */
  secret: string;
  /** How long a credential is valid, seconds. */
  ttl: number;
  /** ms since the epoch, as the TURN server's clock has it. */
  now(): number;
}

export function coturn({ urls, secret, ttl, now }: CoturnOptions): IceProvider {
  return {
    name: 'The TURN server',
    shared: false,
    async iceServers(peer) {
      const username = `${Math.floor(now() / 1000) + ttl}:${peer}`;
      const credential = createHmac('sha1', secret).update(username).digest('base64');
      return { iceServers: [{ urls, username, credential }], ttl };
    },
  };
}
