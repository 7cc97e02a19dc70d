/** Node's Ed25519, beside the one in JavaScript: they take and refuse the same. */
import { ed25519 } from '@noble/curves/ed25519.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toBase64url } from '../../shared/base64url.ts';
import { createSigner, newKey, publicKeyOf, signText, verifyText } from '../../shared/signature.ts';
import { NODE_ED25519 } from '../../vehicle/ed25519.ts';

test('keys and signatures are the same, and each verifies what the other has signed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const secret = newKey();
      const key = publicKeyOf(secret);
      const signature = signText(text, secret);
      expect(publicKeyOf(secret, NODE_ED25519)).toBe(key);
      expect(signText(text, secret, NODE_ED25519)).toBe(signature);
      expect(verifyText(text, signature, key, NODE_ED25519)).toBe(true);
      expect(verifyText(`${text}.`, signature, key, NODE_ED25519)).toBe(false);
      expect(verifyText(text, signature, publicKeyOf(newKey()), NODE_ED25519)).toBe(false);
    }),
    { numRuns: 20 },
  );
});

test('a description is signed alike', () => {
  const secret = newKey();
  const said = { session: '0mwxg9bq2-0001', seq: 1, type: 'offer', sdp: 'v=0\r\n' } as const;
  const [one, other] = [undefined, NODE_ED25519].map((by) => createSigner('car1', 'car1', secret, by));
  expect(other?.('op-1', said)).toEqual(one?.('op-1', said));
});

test('no key of small order verifies anything, however it is written', () => {
  // All multiples of a point of order 8, and the encodings of them that are not canonical.
  const eighth = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const small = [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((times) => eighth.multiplyUnsafe(times));
  const keys = [ed25519.Point.ZERO, ...small].map((point) => point.toBytes());
  for (const last of ['ed', 'ee']) keys.push(Buffer.from(`${last}${'ff'.repeat(30)}7f`, 'hex'));
  for (const key of [...keys]) {
    const turned = Uint8Array.from(key);
    turned[31] = (turned[31] ?? 0) ^ 0x80;
    keys.push(turned);
  }
  for (const key of keys) {
    for (const sample of keys) {
      const signature = toBase64url(Buffer.concat([sample, Buffer.alloc(32)]));
      for (const text of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'])
        expect(verifyText(text, signature, toBase64url(key), NODE_ED25519)).toBe(false);
    }
  }
});

test('what is no key or no signature is not valid, and throws nothing', () => {
  const secret = newKey();
  const key = publicKeyOf(secret);
  const signature = signText('a', secret);
  const order = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');
  const beyond = toBase64url(Buffer.concat([Buffer.from(signature, 'base64url').subarray(0, 32), order]));
  for (const [sig, by] of [
    ['', key],
    [signature.slice(2), key],
    [beyond, key],
    [signature, ''],
    [signature, `${'_'.repeat(42)}8`],
    [signature, 'no key at all'],
  ] as const)
    expect(verifyText('a', sig, by, NODE_ED25519)).toBe(false);
});
