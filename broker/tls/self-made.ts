/**
 * A certificate that a server makes for itself, for a network on which nobody could get one that browsers
 * know. Its key is kept for good, so that whoever has checked the fingerprint of the key need not do so again; the
 * certificate is made anew when the machine has other addresses, or when it ends soon.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { TlsFiles } from './kept-tls.ts';

const DAY_MS = 24 * 3_600_000;
/** Phones take no certificate that is valid for longer than 397 days. */
const VALID_MS = 396 * DAY_MS;
/** Clocks of phones may be behind, ms. */
const EARLIER_MS = DAY_MS;
/** Made anew so long before its end, ms. */
const RENEW_MS = 30 * DAY_MS;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

export interface SelfMade {
  files: Required<Pick<TlsFiles, 'cert' | 'key'>>;
  /** Of the certificate, SHA-256, hexadecimal bytes with colons: what browsers show. */
  fingerprint: string;
  /** It was not there before, or not for these names. */
  isNew: boolean;
}

/**
 * The certificate for these names, from the folder if it is there and good, otherwise made.
 * @param folder made if need be, with mode 0700; the key has 0600
 * @param names host names and IP addresses that it has to be for
 * @throws Error of one sentence when the key that is there is damaged
 */
export async function keepSelfMade(folder: string, names: string[], now = Date.now()): Promise<SelfMade> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = { cert: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const key = existsSync(files.key) ? readFileSync(files.key, 'utf8') : await makeKey();
  if (!existsSync(files.key)) put(files.key, key);
  checkKey(key, files.key);
  const before = existsSync(files.cert) ? readFileSync(files.cert, 'utf8') : null;
  const good = before !== null && isGood(before, key, names, now);
  const cert = good ? before : await makeCertificate(key, names, now);
  if (!good) put(files.cert, cert);
  return { files, fingerprint: new X509Certificate(cert).fingerprint256, isNew: !good };
}

function isGood(cert: string, key: string, names: string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const covers = (name: string) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name));
    return (
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      certificate.validFromDate.getTime() <= now &&
      certificate.validToDate.getTime() - now > RENEW_MS &&
      names.every(covers)
    );
  } catch {
    return false;
  }
}

/** A key that is damaged is not replaced: people know this server by it. @throws Error of one sentence */
function checkKey(key: string, path: string): void {
  try {
    createPrivateKey(key);
  } catch {
    throw new Error(`The key '${path}' is damaged; remove it, and the server makes another one.`);
  }
}

async function makeKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

/** A leaf that signs itself, and may sign nothing else: who trusts it trusts this server alone. */
async function makeCertificate(keyPem: string, names: string[], now: number): Promise<string> {
  // Not before it is needed: it takes 100 ms to load.
  const x509 = await import('@peculiar/x509');
  const key = createPrivateKey(keyPem);
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
  const publicKey = await crypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']);
  const id = createHash('sha256').update(spki).digest('hex').slice(0, 8);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // Positive, and of 16 bytes at most (RFC 5280, 4.1.2.2).
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: `CN=plntry ${id}`,
    notBefore: new Date(now - EARLIER_MS),
    notAfter: new Date(now + VALID_MS),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    keys: { privateKey, publicKey },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** Whole or not at all. */
function put(path: string, text: string): void {
  const beside = `${path}.new`;
  writeFileSync(beside, text, { mode: 0o600 });
  renameSync(beside, path);
}
