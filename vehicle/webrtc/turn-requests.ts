/** Requests to a TURN server with the login that it asks for (RFC 8489, section 9.2). */
import type { Target } from './ice-targets.ts';
import { ATTRIBUTE, longTermKey, type StunMessage, stunMessage } from './stun.ts';
import { type Answer, createRequests, StunError } from './stun-requests.ts';

/** Attempts with one request: a first without login, one with a nonce that was too old already. */
const MOST_TRIES = 3;
/** Codes of RFC 8489, 14.8. */
const UNAUTHENTICATED = 401;
const STALE_NONCE = 438;

export type Attributes = (id: Buffer) => [name: number, value: Buffer][];

export type TurnRequests = ReturnType<typeof createTurnRequests>;

export function createTurnRequests(target: Target, send: (packet: Buffer) => void) {
  const requests = createRequests(send, target.transport !== 'udp');
  let login: { realm: Buffer; nonce: Buffer; key: Buffer } | null = null;

  function challenged({ attributes }: StunMessage): boolean {
    const nonce = attributes.get(ATTRIBUTE.NONCE);
    const realm = attributes.get(ATTRIBUTE.REALM) ?? login?.realm;
    if (!target.login || !nonce || !realm) return false;
    const { username, credential } = target.login;
    // Copies: what was received is part of a larger buffer.
    const key = longTermKey(username, realm.toString('utf8'), credential);
    login = { realm: Buffer.from(realm), nonce: Buffer.from(nonce), key };
    return true;
  }

  /** @param answered is told of every answer @throws StunError, SilentError, or what was given to `fail` */
  async function ask(method: number, fill: Attributes, answered: () => void = () => {}): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const request = stunMessage(method, 'request');
      for (const [name, value] of fill(request.id)) request.attributes.set(name, value);
      const used = login;
      if (used && target.login) {
        request.attributes
          .set(ATTRIBUTE.USERNAME, Buffer.from(target.login.username))
          .set(ATTRIBUTE.REALM, used.realm)
          .set(ATTRIBUTE.NONCE, used.nonce);
      }
      try {
        const answer = await requests.ask(request, used?.key);
        answered();
        return answer;
      } catch (error) {
        if (!(error instanceof StunError)) throw error;
        answered();
        // Asked for a login for the first time, or with a new nonce. A login that is refused is wrong.
        const expected = error.code === (used ? STALE_NONCE : UNAUTHENTICATED);
        if (!expected || tries >= MOST_TRIES || !challenged(error.response)) throw error;
      }
    }
  }

  return { ask, take: requests.take, doubt: requests.doubt, fail: requests.fail };
}
