/** A certificate with its chain and key, as PEM: whether they can be served, and what they say. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

const DAY_MS = 24 * 3_600_000;
/** So long before its end a certificate is warned of, ms: ACME clients renew 30 days before. */
const WARN_MS = 14 * DAY_MS;

/** PEM texts. */
export interface Credentials {
  /** The server's own certificate first, then those between it and a root. */
  cert: string;
  key: string;
  /** Authorities whose certificates clients may present. */
  clientCa?: string | undefined;
}

export interface CertificateFacts {
  /** Host names and addresses that it is for. */
  names: string[];
  /** Validity, ms since the epoch. */
  from: number;
  until: number;
  /** SHA-256, hexadecimal bytes with colons. */
  fingerprint: string;
}

/**
 * @param named where each text comes from, for messages
 * @throws Error of one sentence that names what is wrong
 */
export function checkCredentials(
  given: Credentials,
  named: Record<keyof Credentials, string>,
): CertificateFacts {
  const [own, ...chain] = certificatesOf(given.cert, `the certificate '${named.cert}'`);
  const key = keyOf(given.key, named.key);
  if (!own?.checkPrivateKey(key)) {
    const later = chain.some((one) => one.checkPrivateKey(key));
    throw new Error(
      later
        ? `The certificate '${named.cert}' is not in order: the server's own has to come first.`
        : `The key '${named.key}' does not fit the certificate '${named.cert}'.`,
    );
  }
  if (given.clientCa !== undefined) certificatesOf(given.clientCa, `the authority '${named.clientCa}'`);
  try {
    createSecureContext({ cert: given.cert, key: given.key });
  } catch (error) {
    const { reason, message } = error as { reason?: string; message: string };
    throw new Error(`The certificate '${named.cert}' can't be used: ${reason ?? message}.`);
  }
  return {
    names: namesOf(own),
    from: own.validFromDate.getTime(),
    until: own.validToDate.getTime(),
    fingerprint: own.fingerprint256,
  };
}

/** What people should know about its validity, as a sentence; null when there is nothing. */
export function validityProblem({ from, until }: CertificateFacts, now: number): string | null {
  if (now < from) return `The TLS certificate is not valid before ${dateOf(from)}.`;
  if (now >= until)
    return `The TLS certificate has expired on ${dateOf(until)}: browsers and vehicles refuse it.`;
  const days = Math.floor((until - now) / DAY_MS);
  const left = days === 0 ? 'today or tomorrow' : days === 1 ? 'in 1 day' : `in ${days} days`;
  return until - now <= WARN_MS ? `The TLS certificate ends ${left}, on ${dateOf(until)}.` : null;
}

export const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** @param what for messages, with the file's name @throws Error of one sentence */
export function certificatesOf(text: string, what: string): X509Certificate[] {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
  if (blocks.length === 0) throw new Error(`${sentence} has no certificate in PEM form in it.`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new Error(`${sentence} can't be read: it is damaged.`);
  }
}

function keyOf(text: string, name: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE') {
      throw new Error(`The key '${name}' has a passphrase, and there is nobody to ask for it.`);
    }
    throw new Error(`The key '${name}' is not a private key in PEM form.`);
  }
}

/** RFC 6125: names are those of the extension; a common name counts only without. */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,"\s]+)/g)].map(
    ([, name = '']) => name,
  );
  const [, common] = /^CN=(.+)$/m.exec(subject) ?? [];
  return names.length > 0 || !common ? names : [common];
}
