import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createClockSync } from '../../shared/clock-sync.ts';
import { createLateness } from '../../shared/freshness.ts';
import { keepLease, noLease, REGAIN_MS, releaseLease, requestLease } from '../../shared/lease.ts';
import { readTimecode, timecodeSquares } from '../../shared/timecode.ts';

describe('the lease', () => {
  test('is held by the first who asks, until that one lets go; every grant has a new number', () => {
    const first = requestLease(noLease(0), 'op-a', 1);
    if (!first.granted) throw new Error('not granted');
    expect(first.lease).toEqual({ holder: 'op-a', number: 1, since: 1 });
    expect(requestLease(first.lease, 'op-b', 2)).toEqual({ granted: false, reason: 'op-a is driving' });
    expect(requestLease(first.lease, 'op-a', 3)).toEqual(first);
    expect(releaseLease(first.lease, 'op-b', 4)).toBe(first.lease);
    const free = releaseLease(first.lease, 'op-a', 5);
    expect(requestLease(free, 'op-b', 6)).toMatchObject({
      granted: true,
      lease: { holder: 'op-b', number: 2 },
    });
  });
});

describe('whoever loses the session while driving', () => {
  function driving() {
    let now = 0;
    const clock = { now: () => now, every: () => () => {}, after: () => () => {} };
    const lease = keepLease(clock, () => {});
    lease.request('op-a');
    return {
      lease,
      wait(ms: number) {
        now += ms;
      },
    };
  }

  test('has the wheel again in the next one, under a new number, once', () => {
    const { lease } = driving();
    lease.lose('op-a');
    expect(lease.now.holder).toBeNull();
    expect(lease.regain('op-b')).toBeNull();
    expect(lease.regain('op-a')).toMatchObject({ holder: 'op-a', number: 2 });
    lease.release('op-a');
    expect(lease.regain('op-a')).toBeNull();
  });

  test('has not when somebody else was faster, nor after a while, nor who did not drive', () => {
    const { lease, wait } = driving();
    lease.lose('op-b');
    expect(lease.now.holder).toBe('op-a');
    lease.lose('op-a');
    lease.request('op-b');
    expect(lease.regain('op-a')).toBeNull();
    lease.lose('op-b');
    wait(REGAIN_MS + 1);
    expect(lease.regain('op-b')).toBeNull();
  });
});

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
