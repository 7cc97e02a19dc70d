/** STUN requests, their retransmission and their answers (RFC 8489, section 6.2). */
import { RefusedError, SilentError } from './server-errors.ts';
import { encodeStun, errorOf, isIntact, parseStun, type StunMessage } from './stun.ts';

/** First wait for an answer over UDP, doubled with every retransmission, ms. */
const FIRST_WAIT_MS = 100;
/** An answer that has not come after this long doesn't come any more, ms. */
const ANSWER_LIMIT_MS = 4_000;

export interface Answer {
  message: StunMessage;
  /** From the request, or its last retransmission, to the answer, ms. */
  rttMs: number;
}

/** An error response, with what it carries. */
export class StunError extends RefusedError {
  readonly response: StunMessage;

  constructor(response: StunMessage) {
    super(...errorOf(response));
    this.response = response;
  }
}

export type Requests = ReturnType<typeof createRequests>;

interface Pending {
  key: Buffer | undefined;
  sentAt: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/**
 * @param send hands a packet to the network
 * @param reliable nothing gets lost underway, so that nothing is sent twice
 */
export function createRequests(send: (packet: Buffer) => void, reliable: boolean) {
  const pending = new Map<string, Pending>();
  /** What the network said of packets that were sent, such as that nothing listens. */
  let trouble: Error | null = null;

  return {
    /**
     * @param key of the message integrity, which request and answer have
     * @throws StunError, SilentError, or what was given to `fail`
     */
    async ask(request: StunMessage, key?: Buffer): Promise<Answer> {
      const id = request.id.toString('hex');
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const entry: Pending = { key, sentAt: 0, resolve, reject };
      pending.set(id, entry);
      const packet = encodeStun(request, key);
      let wait = FIRST_WAIT_MS;
      let again: NodeJS.Timeout | undefined;
      const transmit = () => {
        entry.sentAt = performance.now();
        send(packet);
        if (reliable) return;
        again = setTimeout(transmit, wait);
        wait *= 2;
      };
      const limit = setTimeout(() => reject(trouble ?? new SilentError('no answer')), ANSWER_LIMIT_MS);
      try {
        transmit();
        return await promise;
      } finally {
        pending.delete(id);
        clearTimeout(again);
        clearTimeout(limit);
      }
    },

    /** Takes a packet that may be an answer. @returns the message when it is something else; null otherwise */
    take(packet: Buffer): StunMessage | null {
      const message = parseStun(packet);
      if (message?.kind !== 'success' && message?.kind !== 'error') return message;
      const entry = pending.get(message.id.toString('hex'));
      if (!entry) return null;
      // Errors of authentication can't be authenticated (RFC 8489, 9.2.5); nobody guesses a transaction's id.
      if (message.kind === 'error') entry.reject(new StunError(message));
      else if (!entry.key || isIntact(packet, entry.key)) {
        trouble = null;
        entry.resolve({ message, rttMs: performance.now() - entry.sentAt });
      }
      return null;
    },

    /** Why there may be no answer. Requests go on, as what is down may come up. */
    doubt(error: Error): void {
      trouble = error;
    },

    /** Ends what is being asked. @param error why nothing more can be sent; nobody waits any longer without */
    fail(error?: Error): void {
      for (const { reject } of pending.values()) reject(error ?? trouble ?? new SilentError('no answer'));
    },
  };
}
