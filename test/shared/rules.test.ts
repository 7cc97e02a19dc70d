import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createClockSync } from '../../shared/clock-sync.ts';
import { createFreshness, MAX_AGE_MS } from '../../shared/freshness.ts';
import { readTimecode, timecodeSquares } from '../../shared/timecode.ts';
import { createLateness } from '../../vehicle/rate/lateness.ts';

describe('the time code', () => {
  const read = (squares: boolean[], now: number) =>
    readTimecode((column, row) => (squares[row * 24 + column] ? 235 : 16), now);

  test('reads back as the time that was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (time) => {
        expect(read(timecodeSquares(time), time)).toBe(time);
      }),
    );
  });

  test('a picture without one, or with a square that was misread, is not taken for a time', () => {
    const squares = timecodeSquares(1_800_000_000_123);
    for (const plain of [true, false])
      expect(
        read(
          squares.map(() => plain),
          0,
        ),
      ).toBeNull();
    for (let i = 0; i < squares.length; i++) {
      expect(read(squares.with(i, !squares[i]), 1_800_000_000_200)).not.toBe(1_800_000_000_123);
      expect(read(squares.with(i, !squares[i]), 1_800_000_000_200)).toBeNull();
    }
  });
});

test('the clock offset comes from the sample with the shortest round trip', () => {
  const sync = createClockSync();
  // The other clock is 1,000 ms ahead; the first answer was held up for 80 ms on its way back.
  expect(sync(0, 1_010, 100)).toEqual({ rtt: 100, offset: 960 });
  expect(sync(200, 1_210, 220)).toEqual({ rtt: 20, offset: 1_000 });
  expect(sync(400, 1_460, 500)).toEqual({ rtt: 20, offset: 1_000 });
});

describe('lateness', () => {
  test('is measured against the quickest message, whatever the two clocks say', () => {
    const late = createLateness();
    // The sender's clock is 5,000 ms behind; messages take 10 ms.
    expect(late(0, 5_010)).toBe(0);
    expect(late(20, 5_035)).toBe(5);
    expect(late(40, 7_540)).toBe(2_490);
    expect(late(2_600, 7_610)).toBe(0);
  });

  test('follows clocks that drift apart, and still knows what waited from what did not', () => {
    const late = createLateness();
    for (let sent = 0; sent < 3_600_000; sent += 250) {
      // 100 parts per million: 360 ms in an hour.
      const arrived = sent * 1.0001 + 10;
      expect(late(sent, arrived)).toBeLessThan(5);
      if (sent % 60_000 === 0) expect(late(sent - 1_000, arrived)).toBeGreaterThan(990);
    }
  });
});

describe('a command is fresh', () => {
  /** The operator's clock is 5,000 ms ahead, the path takes 30 ms each way. */
  const AHEAD = 5_000;
  const PATH = 30;
  const sentAt = (time: number) => time + AHEAD;

  function knowing() {
    const freshness = createFreshness();
    for (let asked = 0; asked < 1_000; asked += 250) {
      freshness.clock(sentAt(asked + PATH + 10), asked, 10, asked + 2 * PATH + 10);
    }
    return freshness;
  }
  /** 50 a second from 1,000 ms on, one way in `path` ms. */
  const send = (freshness: ReturnType<typeof createFreshness>, from: number, to: number, path: number) => {
    const all = [];
    for (let sent = from; sent < to; sent += 20) all.push(freshness.command(sentAt(sent), sent + path));
    return all;
  };

  test('whatever the clocks say, and its age is known', () => {
    expect(send(knowing(), 1_000, 1_100, PATH).at(-1)).toEqual({ fresh: true, age: PATH });
  });

  test('not before the operator’s clock is known, however regularly they come', () => {
    const all = send(createFreshness(), 1_000, 3_000, PATH);
    expect(all.filter(({ fresh }) => fresh)).toEqual([]);
  });

  test('not when it is old, nor when it seems to come from the future', () => {
    expect(knowing().command(sentAt(1_000), 1_001 + MAX_AGE_MS).fresh).toBe(false);
    expect(knowing().command(sentAt(1_200), 1_000).fresh).toBe(false);
  });

  test('of what was held back and comes all at once none is, not even the last', () => {
    const freshness = knowing();
    send(freshness, 1_000, 2_000, PATH);
    const held = [];
    for (let sent = 2_000; sent < 5_000; sent += 20) held.push(freshness.command(sentAt(sent), 5_000 + PATH));
    expect(held.filter(({ fresh }) => fresh)).toEqual([]);
    expect(send(freshness, 5_020, 5_100, PATH).every(({ fresh }) => fresh)).toBe(true);
  });

  test('of a path that has become longer all but the first are', () => {
    const freshness = knowing();
    send(freshness, 1_000, 2_000, PATH);
    const [first, ...others] = send(freshness, 2_000, 2_200, PATH + 300);
    expect(first?.fresh).toBe(false);
    expect(new Set(others.map((one) => (one.fresh ? one.age : null)))).toEqual(new Set([PATH + 300]));
  });

  test('after a pause in which others got lost it is', () => {
    const freshness = knowing();
    send(freshness, 1_000, 2_000, PATH);
    expect(send(freshness, 2_400, 2_500, PATH).every(({ fresh }) => fresh)).toBe(true);
  });

  test('of clocks that say what can’t be nothing is believed', () => {
    const freshness = createFreshness();
    freshness.clock(sentAt(0), 2_000, 0, 1_000);
    freshness.clock(sentAt(0), 0, -5, 1_000);
    expect(send(freshness, 1_000, 1_040, PATH).at(-1)).toMatchObject({ fresh: false, age: null });
  });
});
