/** Authorities and certificates of a test, as files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { onTestFinished } from 'vitest';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3_600_000;
let serial = 1;

export interface Issued {
  /** Paths. */
  cert: string;
  key: string;
  /** PEM texts. */
  pem: { cert: string; key: string };
}

export interface Wanted {
  names?: string[];
  /** Until its end; negative for one that is over. */
  days?: number;
}

/** A folder of its own, which goes with the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

export async function createAuthority(folder = testFolder()) {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=test authority ${serial++}`,
    notBefore: new Date(Date.now() - 400 * DAY_MS),
    notAfter: new Date(Date.now() + 400 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const ca = join(folder, `authority-${serial}.pem`);
  writeFileSync(ca, own.toString('pem'));

  return {
    folder,
    /** Path of its own certificate. */
    ca,
    /** @param common its common name */
    async issue(
      common: string,
      { names = ['127.0.0.1', 'localhost'], days = 90 }: Wanted = {},
    ): Promise<Issued> {
      const pair = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const cert = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(4, '0'),
        subject: `CN=${common}`,
        issuer: own.subject,
        notBefore: new Date(Date.now() - 100 * DAY_MS),
        notAfter: new Date(Date.now() + days * DAY_MS),
        signingAlgorithm: ALGORITHM,
        signingKey: keys.privateKey,
        publicKey: pair.publicKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
          ),
        ],
      });
      const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).toString('base64');
      const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
      const pem = { cert: cert.toString('pem'), key };
      const paths = { cert: join(folder, `${serial}.pem`), key: join(folder, `${serial}.key`) };
      writeFileSync(paths.cert, pem.cert);
      writeFileSync(paths.key, pem.key);
      return { ...paths, pem };
    },
  };
}
