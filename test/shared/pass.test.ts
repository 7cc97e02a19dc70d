import * as fc from 'fast-check';
import { CompactSign, importJWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { issuePass, type Pass, readPass } from '../../shared/pass.ts';
import { newKey, publicKeyOf } from '../../shared/signature.ts';

const fleet = newKey();
const fleetKey = publicKeyOf(fleet);
const jwk = { kty: 'OKP', crv: 'Ed25519', x: fleetKey };
const claims: Pass = {
  sub: 'op-1',
  key: publicKeyOf(newKey()),
  role: 'operator',
  rooms: ['car1', 'van-*'],
  exp: 4_000_000_000,
};
const HEADER = { alg: 'EdDSA', typ: 'plntry-pass+jwt' };

/** As somebody else's library writes it. */
async function jws(header: object, payload: object = claims, secret = fleet): Promise<string> {
  const key = await importJWK({ ...jwk, x: publicKeyOf(secret), d: secret }, 'EdDSA');
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  return new CompactSign(bytes).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key);
}

test('a pass is a JWS that others read, and others’ are read', async () => {
  const pass = issuePass(claims, fleet);
  expect(readPass(pass, fleetKey)).toEqual(claims);
  const theirs = await jwtVerify(pass, await importJWK(jwk, 'EdDSA'), {
    typ: HEADER.typ,
    algorithms: ['EdDSA'],
  });
  expect(theirs.payload).toEqual(claims);
  expect(readPass(await jws(HEADER), fleetKey)).toEqual(claims);
});

test('an expired one is read too: that it has expired is for the reader to say', async () => {
  expect(readPass(issuePass({ ...claims, exp: 1 }, fleet), fleetKey)?.exp).toBe(1);
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [header = '', payload = '', signature = ''] = issuePass(claims, fleet).split('.');
test.each<[string, string | Promise<string>]>([
  ['of another fleet', jws(HEADER, claims, newKey())],
  ['with other claims', `${header}.${encode({ ...claims, sub: 'op-2' })}.${signature}`],
  ['with alg none', `${encode({ ...HEADER, alg: 'none' })}.${payload}.`],
  ['with alg none and a signature', `${encode({ ...HEADER, alg: 'none' })}.${payload}.${signature}`],
  ['of another type', jws({ typ: 'JWT' })],
  ['without a type', jws({})],
  [
    'with an extension that must be understood',
    `${encode({ ...HEADER, crit: ['exp'] })}.${payload}.${signature}`,
  ],
  ['with a part too many', `${header}.${payload}.${signature}.`],
  ['without a signature', `${header}.${payload}.`],
  ['cut off', `${header}.${payload}`],
  ['without a peer', jws(HEADER, { ...claims, sub: undefined })],
  ['for a key that is none', jws(HEADER, { ...claims, key: 'x' })],
  ['for a room that is none', jws(HEADER, { ...claims, rooms: ['a/b'] })],
  ['for more rooms than may be', jws(HEADER, { ...claims, rooms: Array(101).fill('car1') })],
  ['that never ends', jws(HEADER, { ...claims, exp: undefined })],
  ['that is a list', jws(HEADER, [claims])],
])('a pass %s is none', async (_what, pass) => {
  expect(readPass(await pass, fleetKey)).toBeNull();
});

test('whatever text comes, nothing is thrown', () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.base64String(), { maxLength: 4 }).map((parts) => parts.join('.')),
  );
  fc.assert(fc.property(text, (pass) => readPass(pass, fleetKey) === null));
});
