import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLedger, type LedgerData, MAX_ROOMS } from '../../../broker/usage/ledger.ts';

const MAY = Date.UTC(2027, 4, 10, 12);
const GB = 1e9;
/** As a vehicle names its sessions. @param epoch ms since the epoch */
const sessionId = (epoch: number, made = 1) =>
  `${epoch.toString(36).padStart(9, '0')}-${made.toString(36).padStart(4, '0')}`;
const SESSION = sessionId(MAY - 60_000);

const report = (relayBytes: number, session: string | undefined = SESSION, room = 'car1') => ({
  room,
  operator: 'op-1',
  session,
  relayBytes,
});

describe('one session', () => {
  test('adds what is new, and nothing for what was said before or comes late', () => {
    const ledger = createLedger();
    const added = [100, 100, 250, 100, 249, 400].map((bytes) => ledger.count(report(bytes), MAY));
    expect(added).toEqual([100, 0, 150, 0, 0, 150].map((bytes) => ({ added: bytes })));
    expect(ledger.ofRoom('car1', '2027-05')).toBe(400);
    expect(ledger.ofAll('2027-05')).toBe(400);
  });

  test('is one of its operator: that of another with the same name is counted too', () => {
    const ledger = createLedger();
    ledger.count(report(1_000), MAY);
    expect(ledger.count({ ...report(600), operator: 'op-2' }, MAY)).toEqual({ added: 600 });
    expect(ledger.ofRoom('car1', '2027-05')).toBe(1_600);
  });

  test('goes on after the turn of the month, each byte in its own', () => {
    const ledger = createLedger();
    const midnight = Date.UTC(2027, 5, 1);
    ledger.count(report(1000), midnight - 1);
    ledger.count(report(1700), midnight);
    expect([ledger.ofRoom('car1', '2027-05'), ledger.ofRoom('car1', '2027-06')]).toEqual([1000, 700]);
  });

  test('without a name begins again when it says less, since a reload of the page keeps the operator’s id', () => {
    const ledger = createLedger();
    for (const bytes of [500, 600, 20, 30]) ledger.count({ ...report(bytes), session: undefined }, MAY);
    expect(ledger.ofRoom('car1', '2027-05')).toBe(630);
  });
});

test('sessions, operators and vehicles are told apart', () => {
  const ledger = createLedger();
  const second = sessionId(MAY - 60_000, 2);
  for (const bytes of [10, 20]) {
    ledger.count(report(bytes), MAY);
    ledger.count(report(bytes, second), MAY);
    ledger.count(report(bytes, SESSION, 'car2'), MAY);
  }
  expect([ledger.ofRoom('car1', '2027-05'), ledger.ofRoom('car2', '2027-05')]).toEqual([40, 20]);
  expect(ledger.ofAll('2027-05')).toBe(60);
});

describe('what no link can carry', () => {
  test('is not added, and does not spoil what comes after', () => {
    const ledger = createLedger();
    ledger.count(report(1000), MAY);
    expect(ledger.count(report(1e15), MAY + 1000)).toEqual({
      problem: expect.stringContaining('no link carries that many'),
    });
    expect(ledger.count(report(3000), MAY + 2000)).toEqual({ added: 2000 });
  });

  test('is measured by the time since the last word, also over a silence', () => {
    const ledger = createLedger();
    ledger.count(report(0), MAY);
    expect(ledger.count(report(5 * GB), MAY + 1000)).toHaveProperty('problem');
    expect(ledger.count(report(5 * GB), MAY + 60_000)).toEqual({ added: 5 * GB });
  });

  test('is not let through in many small pieces, nor by many sessions', () => {
    const ledger = createLedger();
    ledger.count(report(0), MAY);
    for (let made = 1; made <= 100; made++) ledger.count(report(0.5 * GB, sessionId(MAY, made)), MAY + 1000);
    expect(ledger.ofAll('2027-05')).toBeLessThanOrEqual(2 * GB);
  });

  test('a session can’t have carried anything before its vehicle’s run began', () => {
    expect(createLedger().count(report(5 * GB, sessionId(MAY - 1000)), MAY)).toHaveProperty('problem');
    expect(createLedger().count(report(5 * GB, sessionId(MAY - 60_000)), MAY)).toEqual({ added: 5 * GB });
  });

  test('a clock that is set back stops nothing', () => {
    const ledger = createLedger();
    ledger.count(report(1000), MAY);
    expect(ledger.count(report(2000), MAY - 3_600_000)).toEqual({ added: 1000 });
  });
});

describe('is bounded', () => {
  test('to a year of months', () => {
    const ledger = createLedger();
    for (let month = 0; month < 20; month++)
      ledger.count(report(1000 * (month + 1)), Date.UTC(2026, month, 5));
    const { months } = ledger.save();
    expect(Object.keys(months).sort()).toEqual(
      Array.from({ length: 13 }, (_, at) => new Date(Date.UTC(2026, 7 + at, 5)).toISOString().slice(0, 7)),
    );
  });

  test('to so many vehicles; the one that was not heard of for longest goes, its bytes stay in the sum', () => {
    const ledger = createLedger();
    for (let made = 0; made <= MAX_ROOMS; made++) {
      ledger.count(report(10, SESSION, `car${made}`), MAY + made);
    }
    expect(ledger.rooms()).toHaveLength(MAX_ROOMS);
    expect(ledger.ofRoom('car0', '2027-05')).toBe(0);
    expect(ledger.ofAll('2027-05')).toBe(10 * (MAX_ROOMS + 1));
  });

  test('to so many sessions of a vehicle', () => {
    const ledger = createLedger();
    for (let made = 0; made < 1000; made++) ledger.count(report(10, sessionId(MAY, made)), MAY + made * 1000);
    expect(Object.keys(ledger.save().rooms.car1?.sessions ?? {}).length).toBeLessThanOrEqual(200);
    expect(ledger.ofRoom('car1', '2027-05')).toBe(10_000);
  });
});

/** What happens between vehicles and the server, in any order. */
const happening = fc.oneof(
  // A vehicle relays some bytes in one of its sessions and says so; the message may get lost.
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('says' as const),
      car: fc.nat(2),
      session: fc.nat(2),
      bytes: fc.nat(2_000_000),
      lost: fc.boolean(),
    }),
  },
  // An old message comes again.
  { weight: 3, arbitrary: fc.record({ type: fc.constant('again' as const), which: fc.nat() }) },
  // The vehicle is started anew: its sessions are others.
  { weight: 1, arbitrary: fc.record({ type: fc.constant('vehicleRestarts' as const), car: fc.nat(2) }) },
  // The state is written to the disk.
  { weight: 2, arbitrary: fc.record({ type: fc.constant('saved' as const) }) },
  // The server dies, and begins with what was written last.
  { weight: 1, arbitrary: fc.record({ type: fc.constant('serverDies' as const) }) },
);

test('in any order, with losses, repetitions and deaths of either side, nothing counts twice or gets lost', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 120 }), (happenings) => {
      let now = MAY;
      let ledger = createLedger();
      let disk: LedgerData | undefined;
      const runs = [1, 1, 1];
      const totals = new Map<string, { room: string; session: string; bytes: number }>();
      const sent: ReturnType<typeof report>[] = [];
      const hear = (message: ReturnType<typeof report>) => ledger.count(message, now);
      for (const event of happenings) {
        now += 1000;
        if (event.type === 'says') {
          const run = runs[event.car] ?? 1;
          const session = sessionId(MAY - 3_600_000 + run, event.session);
          const key = `${event.car} ${session}`;
          const total = totals.get(key) ?? { room: `car${event.car}`, session, bytes: 0 };
          total.bytes += event.bytes;
          totals.set(key, total);
          const message = report(total.bytes, session, total.room);
          sent.push(message);
          if (!event.lost) hear(message);
        } else if (event.type === 'again') {
          const message = sent[event.which % Math.max(1, sent.length)];
          if (message) hear(message);
        } else if (event.type === 'vehicleRestarts') runs[event.car] = (runs[event.car] ?? 1) + 1;
        else if (event.type === 'saved') disk = JSON.parse(JSON.stringify(ledger.save()));
        else ledger = createLedger(disk);
      }
      // Every session says its total once more, as a vehicle does each second.
      now += 1000;
      for (const { room, session, bytes } of totals.values()) hear(report(bytes, session, room));
      for (const car of [0, 1, 2]) {
        const mine = [...totals.values()].filter(({ room }) => room === `car${car}`);
        const expected = mine.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(ledger.ofRoom(`car${car}`, '2027-05')).toBe(expected);
      }
    }),
    { numRuns: 300 },
  );
});
