import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64url, toBase64url } from '../../shared/base64url.ts';

test('it is what Node calls base64url, both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(fromBase64url(text)).toEqual(bytes);
    }),
  );
});

test.each(['A', 'AB', 'AA=', 'A+AA', 'A/AA', 'AA AA', 'AA\n', 'ä'])('%j is none', (text) => {
  expect(fromBase64url(text)).toBeNull();
});
