/** How this process trusts others over TLS, and shows who it is. */
import tls from 'node:tls';
import { certificatesOf, checkCredentials } from '../broker/tls/certificate.ts';
import { readPem } from '../broker/tls/kept-tls.ts';
import { OptionError } from './options.ts';
import type { ClientTlsFlags } from './tls-options.ts';

/** PEM texts, as shared/bus.ts takes them. */
export interface ClientCertificate {
  cert: string;
  key: string;
}

/**
 * Authorities that are trusted from now on by everything in this process: MQTT, WebSockets, HTTP and TURN.
 * @throws OptionError
 */
export function trustAuthorities({ tlsCa }: ClientTlsFlags): void {
  if (tlsCa === undefined) return;
  const text = orOptionError(() => {
    const pem = readPem(tlsCa, 'authority');
    certificatesOf(pem, `the authority '${tlsCa}'`);
    return pem;
  });
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), text]);
}

/** @returns undefined when there is none @throws OptionError */
export function clientCertificate(flags: ClientTlsFlags): ClientCertificate | undefined {
  const { tlsClientCert, tlsClientKey } = flags;
  if (tlsClientCert === undefined && tlsClientKey === undefined) return undefined;
  if (tlsClientCert === undefined || tlsClientKey === undefined) {
    throw new OptionError("options '--tls-client-cert' and '--tls-client-key' need each other.");
  }
  return orOptionError(() => {
    const cert = readPem(tlsClientCert, 'certificate');
    const key = readPem(tlsClientKey, 'key');
    checkCredentials({ cert, key }, { cert: tlsClientCert, key: tlsClientKey, clientCa: '' });
    return { cert, key };
  });
}

function orOptionError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}
