/** Which vehicle a TLS client is, by the certificate that it has presented. */
import type { TLSSocket } from 'node:tls';
import { isId } from '../../shared/topics.ts';

/**
 * The common name, if it is an id as shared/topics.ts has them, of a certificate that an authority of
 * `--tls-client-ca` has made and that is valid now; otherwise null.
 */
export function certificateNameOf(socket: TLSSocket): string | null {
  if (!socket.authorized) return null;
  const name = socket.getPeerCertificate().subject?.CN as string | string[] | undefined;
  return typeof name === 'string' && isId(name) ? name : null;
}

/** Why a certificate that was presented names nobody, as the end of a sentence; null when none was, or it does. */
export function certificateProblem(socket: TLSSocket): string | null {
  const { subject } = socket.getPeerCertificate();
  if (!subject || certificateNameOf(socket) !== null) return null;
  if (!socket.authorized) return `it could not be verified (${socket.authorizationError})`;
  return `its common name '${subject.CN}' is not an id`;
}
