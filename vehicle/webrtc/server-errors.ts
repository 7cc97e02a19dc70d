/** What went wrong between this machine and a STUN or TURN server, as a report tells it. */
import type { ServerAnswer } from '../../shared/report.ts';

/** The server answered with an error (RFC 8489, section 14.8). */
export class RefusedError extends Error {
  readonly code: number;

  /** @param reason the server's own words, from anybody */
  constructor(code: number, reason: string) {
    super(reason.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_REASON));
    this.code = code;
  }
}

/** No answer came. */
export class SilentError extends Error {}

/** A name has no address. */
export class UnknownHostError extends Error {}

const MAX_REASON = 100;

/** Codes of Node's net, dgram and tls (OpenSSL's verification among them), as people say it. */
const WORDS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENETUNREACH: 'there is no route to it',
  EHOSTUNREACH: 'there is no route to it',
  EADDRNOTAVAIL: 'there is no route to it',
  EACCES: 'this machine forbids it',
  EPERM: 'this machine forbids it',
  ETIMEDOUT: 'no answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate is of an authority that this machine does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is of an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its TLS certificate is of an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT: 'its TLS certificate is of an authority that this machine does not know',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  CERT_NOT_YET_VALID: 'its TLS certificate is not valid yet, or the clock here is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there',
  EPROTO: 'the TLS handshake failed',
};

/** One short clause for people. */
export function inWords(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return inWords(error.errors[0]);
  const { code, message } = error as { code?: unknown; message?: string };
  const known = typeof code === 'string' ? WORDS[code] : undefined;
  return (known ?? message ?? String(error)).slice(0, MAX_REASON);
}

/** @param ms from asking to the error */
export function answerOf(error: unknown, ms?: number): Omit<ServerAnswer, 'url'> {
  const after = ms === undefined ? {} : { ms };
  if (error instanceof RefusedError) {
    const { code, message } = error;
    return { answer: 'refused', code, ...(message ? { detail: message } : {}), ...after };
  }
  const answer = error instanceof UnknownHostError ? 'unknown' : 'unreachable';
  return { answer, detail: inWords(error), ...after };
}
