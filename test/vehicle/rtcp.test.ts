import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFeedbackBudget } from '../../vehicle/rate/feedback-budget.ts';
import { createArrivalClock, type Feedback, MOST_STATUSES, parseRtcp } from '../../vehicle/webrtc/rtcp.ts';

const SSRCS = [0, 0, 0, 1, 0, 0, 0, 2];

/** @param body after the header of four bytes, a multiple of four long */
const message = (format: number, type: number, body: number[]) =>
  Buffer.from([0x80 | format, type, 0, body.length / 4, ...body]);

const arrivalsIn = (packet: Buffer) =>
  parseRtcp(packet).flatMap((feedback) => (feedback.kind === 'arrivals' ? [feedback] : []));

/** As the clock reads one message. */
const read = (packet: Buffer) => arrivalsIn(packet).flatMap(createArrivalClock());

describe('reports of arrivals', () => {
  /** Base number 65,534, `count` packets, reference time 0x000003 (192 ms). */
  const head = (count: number) => [...SSRCS, 0xff, 0xfe, 0, count, 0, 0, 3, 0];
  const report = (body: number[]) => message(15, 205, body);

  test('a run of arrivals with small steps', () => {
    // Run length 3 of "small delta"; 4, 0 and 8 quarters of a millisecond; three bytes of padding.
    expect(read(report([...head(3), 0x20, 3, 4, 0, 8, 0, 0, 0]))).toEqual([
      { number: 65_534, arrivedAt: 193 },
      { number: 65_535, arrivedAt: 193 },
      { number: 0, arrivedAt: 195 },
    ]);
  });

  test('vectors of one and of two bits, missing packets, steps backwards', () => {
    // One bit each for 14 packets: 1, 0, 1, then zeros; of which four count.
    const oneBit = read(report([...head(4), 0b1010_1000, 0, 4, 4]));
    expect(oneBit.slice(0, 4).map(({ arrivedAt }) => arrivedAt)).toEqual([193, null, 194, null]);
    expect(oneBit).toHaveLength(4);
    // Two bits each for 7 packets: small, missing, large (two bytes, −2 quarters).
    const twoBits = read(report([...head(3), 0b1101_0010, 0, 4, 0xff, 0xfe, 0, 0, 0]));
    expect(twoBits.map(({ arrivedAt }) => arrivedAt)).toEqual([193, null, 192.5]);
  });

  test('the reference time goes on beyond its 24 bits', () => {
    const clock = createArrivalClock();
    const [before] = clock({ base: 0, reference: 2 ** 24 - 1, steps: [0] });
    const [after] = clock({ base: 1, reference: 0, steps: [0] });
    expect((after?.arrivedAt ?? 0) - (before?.arrivedAt ?? 0)).toBe(64);
  });

  test('who claims 65,535 packets in a few bytes makes no more work than those bytes are worth', () => {
    const claims = [...SSRCS, 0, 0, 0xff, 0xff, 0, 0, 3, 0];
    // Eight runs of 8,191 packets that have not arrived.
    const runs = Array(8).fill([0x1f, 0xff]).flat();
    const [arrivals] = arrivalsIn(report([...claims, ...runs]));
    expect(arrivals?.steps).toHaveLength(MOST_STATUSES);
    // One chunk for all.
    expect(arrivalsIn(report([...claims, 0x80, 0, 0, 0]))[0]?.steps.length).toBeLessThanOrEqual(28);
    // Runs of arrivals without their steps.
    expect(arrivalsIn(report([...claims, 0x3f, 0xff, 0, 0]))).toEqual([]);
  });

  test('of more statuses than are looked at, the first have their own steps', () => {
    // 1,023 missing, one arrived, then others that are too many: two chunks, and the steps after both.
    const body = [...SSRCS, 0, 0, 0x04, 0x0a, 0, 0, 0, 0, 0x03, 0xff, 0x20, 11, 4, ...Array(11).fill(8)];
    const steps = arrivalsIn(report(body))[0]?.steps;
    expect(steps).toHaveLength(MOST_STATUSES);
    expect(steps?.at(-1)).toBe(1);
  });
});

test('a compound packet: losses, missing packets, an estimate, a picture lost', () => {
  const block = [0, 0, 0, 7, 64, 0, 0, 1, ...Array(16).fill(0)];
  const packet = Buffer.concat([
    message(1, 201, [0, 0, 0, 1, ...block]),
    message(1, 205, [0, 0, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0b101]),
    message(15, 206, [...SSRCS, ...Buffer.from('REMB'), 1, 0b0000_1000, 0, 100, 0, 0, 0, 7]),
    message(1, 206, [...SSRCS]),
  ]);
  expect(parseRtcp(packet)).toEqual<Feedback[]>([
    { kind: 'loss', ssrc: 7, fraction: 0.25 },
    { kind: 'missing', ssrc: 7, sequences: [65_535, 0, 2] },
    { kind: 'estimate', bps: 400 },
    { kind: 'picture lost' },
  ]);
});

test('what is broken is dropped, and nothing of it throws', () => {
  expect(parseRtcp(Buffer.alloc(0))).toEqual([]);
  expect(parseRtcp(message(1, 206, []))).toEqual([]);
  expect(parseRtcp(message(1, 206, [...SSRCS]).subarray(0, 11))).toEqual([]);
  const bytes = fc.uint8Array({ maxLength: 200 }).map((list) => Buffer.from(list));
  const kinds = fc.tuple(fc.constantFrom(1, 4, 15), fc.constantFrom(200, 201, 202, 205, 206), bytes);
  const framed = kinds.map(([format, type, body]) =>
    message(format, type, [...body.subarray(0, body.length & ~3)]),
  );
  fc.assert(
    fc.property(fc.oneof(bytes, framed), (packet) => {
      const clock = createArrivalClock();
      for (const feedback of parseRtcp(packet)) if (feedback.kind === 'arrivals') clock(feedback);
    }),
    { numRuns: 3_000 },
  );
});

describe('what a viewer may say', () => {
  test('400 messages and 20,000 statuses a second', () => {
    const budget = createFeedbackBudget();
    const heard = (ms: number) =>
      Array.from({ length: 1_000 }, () => budget.message(ms)).filter(Boolean).length;
    expect(heard(0)).toBe(400);
    expect(heard(500)).toBe(200);
    expect(heard(60_000)).toBe(400);
    const looked = Array.from({ length: 100 }, () => budget.statuses(MOST_STATUSES, 0)).filter(
      Boolean,
    ).length;
    expect(looked).toBe(Math.floor(20_000 / MOST_STATUSES));
  });

  test('a key frame every 300 ms', () => {
    const budget = createFeedbackBudget();
    expect([0, 100, 299, 300, 599, 600].map(budget.keyFrame)).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });
});
