import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase64url, toBase64url } from '../../shared/base64url.ts';
import { isKey, isSignature } from '../../shared/keys.ts';
import {
  createSigner,
  type Description,
  fingerprintOf,
  newKey,
  publicKeyOf,
  signDescription,
  signText,
  verifyDescription,
  verifyText,
} from '../../shared/signature.ts';

const SDP = 'v=0\r\na=fingerprint:sha-256 AB:CD\r\n';
const said: Description = {
  room: 'car1',
  from: 'car1',
  to: 'op-1',
  session: '0mwxg9bq2-0001',
  seq: 1,
  type: 'offer',
  sdp: SDP,
};
const jwkOf = (x: string) => ({ kty: 'OKP', crv: 'Ed25519', x });

test('keys and signatures are those of RFC 8032 (7.1, test 2)', () => {
  const hex = (text: string) => Buffer.from(text, 'hex').toString('base64url');
  const secret = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
  expect(publicKeyOf(secret)).toBe(hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'));
  expect(signText('r', secret)).toBe(
    hex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ),
  );
});

test('another implementation verifies what this one signs, by the statement of docs/protocol.md', () => {
  const secret = newKey();
  const x = publicKeyOf(secret);
  const statement = `plntry-sdp-1\ncar1\ncar1\nop-1\n0mwxg9bq2-0001\n1\noffer\n${SDP}`;
  const key = createPublicKey({ key: jwkOf(x), format: 'jwk' });
  const signature = Buffer.from(signDescription(said, secret), 'base64url');
  expect(verify(null, Buffer.from(statement), key, signature)).toBe(true);
  const own = createPrivateKey({ key: { ...jwkOf(x), d: secret }, format: 'jwk' });
  const theirs = sign(null, Buffer.from(statement), own).toString('base64url');
  expect(verifyDescription(said, theirs, x)).toBe(true);
});

describe('a signature is of one description only', () => {
  const secret = newKey();
  const { key, sig } = createSigner('car1', 'car1', secret)('op-1', said);
  expect(verifyDescription(said, sig, key)).toBe(true);
  test.each([
    { room: 'car2' },
    { from: 'car2' },
    { to: 'op-2' },
    { session: '0mwxg9bq2-0002' },
    { seq: 2 },
    { type: 'answer' },
    { sdp: SDP.replace('AB', 'AC') },
    { sdp: `${SDP}a=x\r\n` },
    { sdp: undefined },
  ] as Partial<Description>[])('not with %j', (change) => {
    expect(verifyDescription({ ...said, ...change }, sig, key)).toBe(false);
  });

  test('and of one key', () => {
    expect(verifyDescription(said, sig, publicKeyOf(newKey()))).toBe(false);
  });
});

test('a key of small order, under which anything could be signed, verifies nothing', () => {
  // The neutral element, with R the same and s = 0: valid for every message by the cofactored equation.
  const neutral = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);
  const signature = Buffer.concat([neutral, Buffer.alloc(32)]).toString('base64url');
  expect(verifyText('anything', signature, neutral.toString('base64url'))).toBe(false);
});

test('what is no key or no signature is not valid, and is told from one', () => {
  const secret = newKey();
  const sig = signText('a', secret);
  const key = publicKeyOf(secret);
  expect([isKey(key), isSignature(sig), isKey(sig), isSignature(key)]).toEqual([true, true, false, false]);
  for (const bad of ['', 'x', key.slice(1), `${key}A`, `${key}=`, 'ä'.repeat(43)]) {
    expect(verifyText('a', sig, bad)).toBe(false);
    expect(verifyText('a', bad, key)).toBe(false);
    expect(() => publicKeyOf(bad)).toThrow('a key is 32 bytes in base64url');
  }
  // 32 bytes that are no point of the curve.
  expect(verifyText('a', sig, Buffer.alloc(32, 0xff).toString('base64url'))).toBe(false);
});

test('by its text alone a key or a signature is known as one exactly when it is so many bytes', () => {
  const bytes = fc.uint8Array({ minLength: 31, maxLength: 65 });
  fc.assert(
    fc.property(
      fc.oneof(bytes, fc.uint8Array({ minLength: 32, maxLength: 32 })),
      fc.nat(63),
      (value, last) => {
        const text =
          toBase64url(value).slice(0, -1) +
          'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last];
        const length = fromBase64url(text)?.length;
        expect([isKey(text), isSignature(text)]).toEqual([length === 32, length === 64]);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('people compare the beginning of the SHA-256 of the key', () => {
  const key = publicKeyOf(newKey());
  const digest = createHash('sha256').update(Buffer.from(key, 'base64url')).digest('hex');
  expect(fingerprintOf(key)).toBe(digest.slice(0, 32).replace(/(.{4})(?!$)/g, '$1 '));
});
