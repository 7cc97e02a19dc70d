/** The certificate that a server makes for itself. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepSelfMade } from '../../broker/tls/self-made.ts';
import { testFolder } from '../helpers/certificates.ts';

const DAY_MS = 24 * 3_600_000;
const NAMES = ['192.168.1.5', 'fd00::5', 'desk.local', 'localhost'];
const certificateIn = ({ files }: { files: { cert: string } }) =>
  new X509Certificate(readFileSync(files.cert));

test('is one that phones take: P-256, for all names, for servers only, 397 days at most', async () => {
  const made = await keepSelfMade(join(testFolder(), 'lan'), NAMES);
  const certificate = certificateIn(made);
  expect(made).toMatchObject({ isNew: true, fingerprint: certificate.fingerprint256 });
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  for (const name of ['desk.local', 'localhost']) expect(certificate.checkHost(name)).toBe(name);
  for (const address of ['192.168.1.5', 'fd00::5']) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkIP('192.168.1.6')).toBeUndefined();
  expect(certificate.ca).toBe(false);
  const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / DAY_MS;
  expect(days).toBeLessThanOrEqual(397);
  const text = execFileSync('openssl', ['x509', '-in', made.files.cert, '-noout', '-text'], {
    encoding: 'utf8',
  });
  expect(text).toContain('TLS Web Server Authentication');
  // It is its own authority: this is how a vehicle trusts it.
  execFileSync('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', made.files.cert, made.files.cert]);
});

test('is for its owner’s eyes, and stays the same while the addresses do', async () => {
  const folder = join(testFolder(), 'lan');
  const first = await keepSelfMade(folder, NAMES);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(first.files.key).mode & 0o777).toBe(0o600);
  const again = await keepSelfMade(folder, NAMES.slice(1));
  expect(again).toMatchObject({ isNew: false, fingerprint: first.fingerprint });
});

test('is made anew for another address and before it ends, of the same key', async () => {
  const folder = testFolder();
  const first = await keepSelfMade(folder, NAMES);
  const key = readFileSync(first.files.key, 'utf8');
  const moved = await keepSelfMade(folder, ['10.0.0.7']);
  expect(moved.isNew).toBe(true);
  expect(certificateIn(moved).checkIP('10.0.0.7')).toBe('10.0.0.7');
  expect((await keepSelfMade(folder, ['10.0.0.7'], Date.now() + 360 * DAY_MS)).isNew).toBe(false);
  const renewed = await keepSelfMade(folder, ['10.0.0.7'], Date.now() + 370 * DAY_MS);
  expect(renewed.isNew).toBe(true);
  expect(readFileSync(renewed.files.key, 'utf8')).toBe(key);
});

test('is made anew where what is kept is damaged', async () => {
  const folder = testFolder();
  const { files } = await keepSelfMade(folder, NAMES);
  writeFileSync(files.cert, 'x');
  expect((await keepSelfMade(folder, NAMES)).isNew).toBe(true);
  writeFileSync(files.key, 'x');
  await expect(keepSelfMade(folder, NAMES)).rejects.toThrow(files.key);
});
