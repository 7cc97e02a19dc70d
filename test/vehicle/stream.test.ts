import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLOOR_KBPS } from '../../vehicle/rate/congestion.ts';
import { createStream, type Outgoing } from '../../vehicle/rate/stream.ts';
import { arrivedKbps, longestGap, type Run, simulate } from './bottleneck.ts';

const CUT = 15_000;
const BACK = 35_000;
const narrowing = (at: number) => ({ kbps: at < CUT || at >= BACK ? 4_000 : 800 });
const oldest = ({ pictures }: Run, from: number, to: number) =>
  Math.max(...pictures.filter(({ at }) => at > from && at <= to).map(({ age }) => age));

test.each([
  ['when it is asked to', {}],
  ['when it is asked to, on a busy machine', { stallMs: 20 }],
  ['by itself, 16 times a second', { reportsEveryMs: 62.5 }],
])('a path that gets narrow and wide again, the receiver reporting %s', (_, options) => {
  const run = simulate({ path: narrowing, seconds: 55, ...options });
  expect(longestGap(run, CUT, CUT + 2_000)).toBeLessThan(300);
  expect(oldest(run, CUT + 2_000, BACK)).toBeLessThan(250);
  expect(arrivedKbps(run, CUT + 10_000, BACK)).toBeGreaterThan(0.75 * 800);
  const before = arrivedKbps(run, CUT - 5_000, CUT);
  expect(before).toBeGreaterThan(0.8 * 4_000);
  expect(arrivedKbps(run, BACK + 13_000, BACK + 15_000)).toBeGreaterThan(0.9 * before);
  expect(run.longestFullMs).toBe(0);
  // The first, and at most one instead of a picture that is too large for the path since it got narrow.
  expect(run.keyFrames).toBeLessThanOrEqual(2);
});

test('random loss changes neither rate nor pace: what is lost comes again before it is missed', () => {
  const run = simulate({ path: () => ({ kbps: 8_000, loss: 0.05 }), seconds: 60 });
  expect(longestGap(run, 1_000, 60_000)).toBeLessThan(200);
  expect(run.samples.at(-1)?.allowed).toBe(4_000);
  expect(run.keyFrames).toBe(1);
});

test('a scene that needs little does not keep the rate at what a narrow path left of it', () => {
  const path = (at: number) => ({ kbps: at < 5_000 || at >= 10_000 ? 4_000 : 170 });
  const { samples } = simulate({ path, seconds: 25, plainKbps: 140 });
  expect(samples.find(({ at }) => at >= 9_900)?.allowed).toBeLessThan(250);
  // Enough for whole pictures: then they show what they need.
  expect(samples.at(-1)?.allowed).toBeGreaterThan(480);
});

test('loss alone, when it is heavy, lowers the rate: the queue is too short to be seen', () => {
  const { samples } = simulate({ path: () => ({ kbps: 1_000, queueMs: 15 }), seconds: 20 });
  expect(samples.at(-1)?.allowed).toBeLessThan(1_200);
});

test('after an interruption the picture starts afresh with a key frame', () => {
  const path = (at: number) => ({ kbps: 4_000, cut: at > 5_000 && at < 10_000 });
  const run = simulate({ path, seconds: 15 });
  expect(run.keyFrames).toBe(2);
  expect(longestGap(run, 10_000, 15_000)).toBeLessThan(500);
  expect(oldest(run, 10_500, 15_000)).toBeLessThan(200);
});

test.each([1, 2, 3, 4])('a viewer who is heard again has the next picture at once, run %i', (seed) => {
  const path = (at: number) => ({ kbps: 4_000, cut: at > 5_000 && at < 10_000 });
  const run = simulate({ path, seconds: 15, heardAt: 10_050, seed });
  expect(run.keyFrames).toBe(2);
  expect(longestGap(run, 10_000, 15_000)).toBeLessThan(200);
});

test('another path that takes longer is not taken for a queue for ever', () => {
  const path = (at: number) => ({ kbps: 4_000, delayMs: at < 10_000 ? 10 : 80 });
  const run = simulate({ path, seconds: 30 });
  expect(arrivedKbps(run, 25_000, 30_000)).toBeGreaterThan(3_000);
});

const paths = fc.record({
  kbps: fc.integer({ min: 250, max: 6_000 }),
  next: fc.integer({ min: 250, max: 6_000 }),
  delayMs: fc.integer({ min: 2, max: 120 }),
  loss: fc.constantFrom(0, 0, 0.01, 0.05),
  reportsEveryMs: fc.constantFrom(undefined, 62.5),
  seed: fc.nat(1_000_000),
});

test('whatever the path: pictures keep coming, the queue stays short, the rate in its limits', () => {
  fc.assert(
    fc.property(paths, ({ kbps, next, delayMs, loss, reportsEveryMs, seed }) => {
      const path = (at: number) => ({ kbps: at < 8_000 ? kbps : next, delayMs, loss });
      const reports = reportsEveryMs === undefined ? {} : { reportsEveryMs };
      const run = simulate({ path, seconds: 16, seed, ...reports });
      for (const { allowed } of run.samples) {
        expect(allowed).toBeGreaterThanOrEqual(FLOOR_KBPS);
        expect(allowed).toBeLessThanOrEqual(4_000);
      }
      expect(run.longestFullMs).toBeLessThan(1_000);
      expect(longestGap(run, 12_000, 16_000)).toBeLessThan(1_000);
      expect(arrivedKbps(run, 13_000, 16_000)).toBeGreaterThan(0.4 * Math.min(next, 4_000));
    }),
    { numRuns: 60, seed: 7 },
  );
});

/** A stream by hand, with what it sends. */
function setUp(reports = true) {
  const sent: Outgoing[] = [];
  let keyFrames = 0;
  const stream = createStream({
    ceiling: 4_000,
    reports,
    transmit: (packet) => sent.push(packet),
    keyFrameWanted: () => keyFrames++,
  });
  const picture = (packets: number, now: number, key = false) =>
    stream.picture(
      Array.from({ length: packets }, (_, n) => ({
        timestamp: now,
        key,
        marker: n === packets - 1,
        payload: Buffer.alloc(1_200),
      })),
      now,
    );
  return { sent, stream, picture, keyFrames: () => keyFrames };
}

test('packets are paced, and no picture is wanted while some wait', () => {
  const { sent, stream, picture } = setUp();
  picture(40, 0, true);
  expect(sent.length).toBeLessThan(15);
  expect(stream.holding).toBe(true);
  expect(stream.tick(1)).toBeGreaterThan(0);
});

test('where a receiver reports nothing, all is sent at once and its own estimate is followed', () => {
  const { sent, stream, picture } = setUp(false);
  picture(40, 0, true);
  expect(sent).toHaveLength(40);
  expect(stream.tick(0)).toBeNull();
  stream.estimate(700);
  expect(stream.kbps).toBe(700);
});

test('a receiver that promised reports and sends none is served as one without', () => {
  const { sent, stream, picture } = setUp();
  picture(60, 0, true);
  stream.tick(900);
  expect(sent.length).toBeLessThan(60);
  stream.tick(1_001);
  expect(sent).toHaveLength(60);
});

test('sequence numbers have no gaps, whatever is dropped or sent again', () => {
  const { sent, stream, picture, keyFrames } = setUp();
  picture(8, 0, true);
  // A viewer whose path is slower than that of the one who drives.
  for (let n = 1; n < 30; n++) picture(20, n * 33);
  expect(keyFrames()).toBeGreaterThan(0);
  stream.missing([2, 3], 1_000);
  const fresh = sent.filter(({ again }) => !again).map(({ packet }) => packet.sequence);
  expect(fresh).toEqual([...fresh.keys()]);
  expect(sent.map(({ number }) => number)).toEqual([...sent.keys()]);
});

test('a NACK is answered each time that the answer can have got lost, and not before', () => {
  const { sent, stream, picture } = setUp();
  picture(4, 0, true);
  stream.report(
    sent.map(({ number }) => ({ number, arrivedAt: number === 1 ? null : 100 + number })),
    50,
  );
  const again = () => sent.filter((each) => each.again).map(({ packet }) => packet.sequence);
  stream.tick(60);
  // The report said it already; and with so much loss, twice.
  expect(again().filter((sequence) => sequence === 1)).toHaveLength(2);
  stream.missing([1], 70);
  expect(again().filter((sequence) => sequence === 1)).toHaveLength(2);
  stream.missing([1], 150);
  expect(again().filter((sequence) => sequence === 1)).toHaveLength(3);
});
