import { expect, test } from 'vitest';
import type { Sdp } from '../../shared/messages.ts';
import { createSigner, newKey, publicKeyOf } from '../../shared/signature.ts';
import { NOBODY_YET, recognise } from '../../shared/vehicle-trust.ts';
import { keyStore } from '../helpers/keys.ts';

const secret = newKey();
const key = publicKeyOf(secret);
const offer: Sdp = { v: 1, ts: 1, session: '0mwxg9bq2-0001', seq: 1, type: 'offer', sdp: 'v=0\r\n' };
const signed = (by = secret): Sdp => createSigner('car1', 'car1', by)('op-1', offer);
const between = { room: 'car1', to: 'op-1' };

test('the fleet’s word goes before a pin, and is kept in its place', () => {
  const store = keyStore(key);
  store.pin(publicKeyOf(newKey()));
  const [identity, dropped] = recognise(signed(), between, store, NOBODY_YET, false);
  expect(dropped).toBeNull();
  expect(identity).toMatchObject({ by: 'fleet', key });
  expect(store.pinned()).toBe(key);
});

test('what was seen first in this session stays so for its repetitions', () => {
  const store = keyStore();
  const [first] = recognise(signed(), between, store, NOBODY_YET, false);
  expect(recognise(signed(), between, store, first, true)[0]).toEqual(first);
  expect(first.by).toBe('first-sight');
});

test('a key is pinned by a right signature alone', () => {
  const store = keyStore();
  const forged = { ...signed(), seq: 2 };
  const [identity, dropped] = recognise(forged, between, store, NOBODY_YET, false);
  expect(dropped).toBe('its signature is wrong');
  expect(identity.refused).toEqual({ why: 'forged', known: null, key: null });
  expect(store.pinned()).toBeNull();
});

test('a signature for another operator is none for this one', () => {
  const [, dropped] = recognise(signed(), { room: 'car1', to: 'op-2' }, keyStore(), NOBODY_YET, false);
  expect(dropped).toBe('its signature is wrong');
});

test('beside a session that goes on refusals are counted, and explain nothing', () => {
  const [identity, dropped] = recognise(signed(newKey()), between, keyStore(key), NOBODY_YET, true);
  expect(dropped).toBe('is signed with another key than the vehicle’s');
  expect(identity).toMatchObject({ refused: null, refusals: 1 });
});
