import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRoomPattern, roomMatches } from '../../shared/room-pattern.ts';

test.each([
  ['car1', 'car1', true],
  ['car1', 'car12', false],
  ['car1', 'xcar1', false],
  ['*', 'car1', true],
  ['van-*', 'van-7', true],
  ['van-*', 'van-', true],
  ['van-*', 'van', false],
  ['*-7', 'van-7', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['*ab*ab', 'xabab', true],
  ['*ab*ab', 'xab', false],
  ['**', '', true],
])('%j means %j: %j', (pattern, room, matches) => {
  expect(roomMatches(pattern, room)).toBe(matches);
});

test.each(['', 'Car1', 'car.', 'car/1', 'car?', 'car1\n', '-car', 'a*b*c*d*e*', 'x'.repeat(33)])(
  '%j is no pattern',
  (pattern) => {
    expect(isRoomPattern(pattern)).toBe(false);
  },
);

test('a star is any run of characters, as in a regular expression', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 12 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 16 });
  fc.assert(
    fc.property(few, name, (pattern, room) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(room);
      expect(roomMatches(pattern, room)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});
