import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allPrintable, isPrintable, printable, printableJson } from '../../shared/printable.ts';

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

test.each([
  ['an escape sequence', '\u001b[2J', '<U+001B>[2J'],
  ['one of a single character (C1)', '\u009b2J', '<U+009B>2J'],
  ['the end of a line', 'a\r\nb', 'a<U+000D><U+000A>b'],
  ['other ends of lines', '\u0085\u2028\u2029', '<U+0085><U+2028><U+2029>'],
  ['marks that turn the direction around', '\u202e\u2066\u200f', '<U+202E><U+2066><U+200F>'],
  ['what is not seen', '\u200b\ufeff\u00ad', '<U+200B><U+FEFF><U+00AD>'],
  ['half a character', '\ud83d', '<U+D83D>'],
  ['tags beyond the first plane', '\u{e0041}', '<U+E0041>'],
])('%s is shown by its code point', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(isPrintable(text)).toBe(false);
});

test('words of any language stay as they are', () => {
  for (const text of ['people on the road', 'Grüße, Łódź', 'γειά', '道路に人', 'السلام', '🚗 “ok” – …'])
    expect(printable(text)).toBe(text);
});

test('nothing unprintable is left of anything, and JSON means what it meant', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, value) => {
      expect(printable(text)).not.toMatch(UNPRINTABLE);
      const hostile = { [text]: [text, value, { deep: text }] };
      const json = printableJson(JSON.stringify(hostile));
      expect(json).not.toMatch(UNPRINTABLE);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(hostile)));
      expect(JSON.stringify(allPrintable(hostile))).not.toMatch(UNPRINTABLE);
    }),
  );
});
