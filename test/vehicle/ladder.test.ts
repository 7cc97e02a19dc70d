import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLadder } from '../../vehicle/rate/ladder.ts';

const FULL = { width: 640, height: 480, fps: 30 };
const pixels = ({ width, height, fps }: typeof FULL) => width * height * fps;

test('with less there are first fewer pictures, then smaller ones, at once', () => {
  const ladder = createLadder(FULL);
  expect(ladder.format(4_000, 0)).toEqual(FULL);
  expect(ladder.format(400, 1)).toEqual(FULL);
  expect(ladder.format(300, 2)).toEqual({ width: 640, height: 480, fps: 20 });
  expect(ladder.format(200, 3)).toEqual({ width: 480, height: 360, fps: 20 });
  expect(ladder.format(150, 4)).toEqual({ width: 320, height: 240, fps: 15 });
});

test('with more it goes up, a step at a time, when there has been clearly enough for a while', () => {
  const ladder = createLadder(FULL);
  ladder.format(300, 0);
  expect(ladder.format(400, 1).fps).toBe(20);
  expect(ladder.format(400, 60_000).fps).toBe(20);
  expect(ladder.format(500, 61_000).fps).toBe(20);
  expect(ladder.format(500, 63_000).fps).toBe(20);
  expect(ladder.format(500, 64_001).fps).toBe(30);
});

test('a short drop on the way up begins the wait again', () => {
  const ladder = createLadder(FULL);
  ladder.format(300, 0);
  ladder.format(500, 1_000);
  ladder.format(380, 3_000);
  expect(ladder.format(500, 4_500).fps).toBe(20);
  expect(ladder.format(500, 7_501).fps).toBe(30);
});

test('whatever the rates: even sizes, never more than full, at least a quarter of the pixels and ten pictures', () => {
  const rates = fc.array(fc.integer({ min: 150, max: 8_000 }), { minLength: 1, maxLength: 30 });
  const full = fc.record({
    width: fc.integer({ min: 160, max: 960 }).map((half) => half * 2),
    height: fc.integer({ min: 120, max: 540 }).map((half) => half * 2),
    fps: fc.integer({ min: 10, max: 60 }),
  });
  fc.assert(
    fc.property(full, rates, (all, some) => {
      const ladder = createLadder(all);
      for (const [n, kbps] of some.entries()) {
        const format = ladder.format(kbps, n * 1_000);
        expect([format.width % 2, format.height % 2]).toEqual([0, 0]);
        expect(pixels(format)).toBeLessThanOrEqual(pixels(all));
        expect(format.width * 2).toBeGreaterThanOrEqual(all.width - 2);
        expect(format.fps).toBeGreaterThanOrEqual(10);
      }
    }),
  );
});
