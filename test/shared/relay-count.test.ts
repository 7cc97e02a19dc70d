import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRelayCount, type PairCount } from '../../shared/relay-count.ts';

const pair = (key: string, relays: PairCount['relays'], bytes: number): PairCount => ({ key, relays, bytes });

test('direct paths cost nothing, one relay each byte once, two relays each byte twice', () => {
  expect(createRelayCount()([pair('a', 0, 1000)])).toBe(0);
  expect(createRelayCount()([pair('a', 1, 1000)])).toBe(1000);
  expect(createRelayCount()([pair('a', 2, 1000)])).toBe(2000);
});

test('a path that changes from direct to relayed and back counts while it was relayed only', () => {
  const count = createRelayCount();
  expect(count([pair('direct', 0, 5000)])).toBe(0);
  expect(count([pair('direct', 0, 5000), pair('relay', 1, 700)])).toBe(700);
  expect(count([pair('direct', 0, 9000), pair('relay', 1, 700)])).toBe(700);
});

test('what pairs had carried stays when an ICE restart takes them away', () => {
  const count = createRelayCount();
  count([pair('before', 1, 800)]);
  expect(count([pair('after', 1, 0)])).toBe(800);
  expect(count([pair('after', 1, 50)])).toBe(850);
  expect(count([])).toBe(850);
});

test('an address that turns out to be a relay’s was one from the beginning', () => {
  const count = createRelayCount();
  expect(count([pair('a', 0, 300)])).toBe(0);
  expect(count([pair('a', 1, 400)])).toBe(400);
  expect(count([pair('a', 0, 500)])).toBe(500);
});

/** Any life of a few pairs: each carries bytes, is looked at or not, and its counter begins again or not. */
const lives = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    carries: fc.nat(1_000_000),
    restarts: fc.boolean(),
    shown: fc.boolean(),
  }),
  { maxLength: 60 },
);

test('whatever counters do, no byte that was seen is counted twice or forgotten, and it never becomes less', () => {
  fc.assert(
    fc.property(lives, (steps) => {
      const relays = { a: 0, b: 1, c: 2 } as const;
      const counters = new Map<'a' | 'b' | 'c', number>();
      const count = createRelayCount();
      let expected = 0;
      let before = 0;
      for (const { key, carries, restarts, shown } of steps) {
        const last = counters.get(key as 'a') ?? 0;
        // A counter that begins again shows less than before, or it could not be told.
        const next = restarts && last > 0 ? carries % last : last + carries;
        expected += relays[key as 'a'] * (next < last ? next : next - last);
        counters.set(key as 'a', next);
        const pairs = [...counters].map(([each, bytes]) => pair(each, relays[each], bytes));
        const total = count(shown ? pairs : pairs.filter((each) => each.key === key));
        expect(total).toBeGreaterThanOrEqual(before);
        before = total;
      }
      expect(before).toBe(expected);
    }),
  );
});
