/** Ed25519 by Node's own crypto, OpenSSL: to check a signature takes a tenth of what it takes in JavaScript. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Ed25519 } from '../shared/signature.ts';

/** What goes before the 32 bytes of a key in PKCS #8 and SPKI (RFC 8410, section 7 and 4). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const secretOf = (key: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([PKCS8, key]), format: 'der', type: 'pkcs8' });

/**
 * Points of small order, as a key may write them, without the bit of the sign. OpenSSL takes them, and under them
 * one signature fits many texts.
 */
const SMALL = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

export const NODE_ED25519: Ed25519 = {
  publicKey: (secretKey) =>
    createPublicKey(secretOf(secretKey)).export({ format: 'der', type: 'spki' }).subarray(SPKI.length),
  sign: (message, secretKey) => sign(null, message, secretOf(secretKey)),
  verify(signature, message, publicKey) {
    const point = Buffer.from(publicKey);
    point[31] = (point[31] ?? 0) & 0x7f;
    if (SMALL.includes(point.toString('hex'))) return false;
    const key = { key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' } as const;
    return verify(null, message, key, signature);
  },
};
