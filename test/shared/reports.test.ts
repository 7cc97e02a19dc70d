import { beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../shared/clock.ts';
import type { Report } from '../../shared/messages.ts';
import type { Link } from '../../shared/negotiation.ts';
import { newAttempt } from '../../shared/negotiation-attempt.ts';
import { MAX_LISTED, NOTHING_REPORTED, type PeerReport, PeerReportSchema } from '../../shared/report.ts';
import { createReports } from '../../shared/reports.ts';

const ONE = '0abcdefgh-0001';
const TWO = '0abcdefgh-0002';

let now: number;
let timers: { at: number; callback: () => void }[];
let sent: { at: number; session: string; notes: string[] }[];
let dropped: string[];
let reports: ReturnType<typeof createReports>;

const clock: Clock = {
  now: () => now,
  after(ms, callback) {
    const timer = { at: now + ms, callback };
    timers.push(timer);
    return () => {
      timers = timers.filter((one) => one !== timer);
    };
  },
  every: () => () => {},
};

/** Lets time pass until a moment, with all that falls due before it. */
function until(moment: number): void {
  for (;;) {
    const next = timers.filter(({ at }) => at <= moment).sort((one, other) => one.at - other.at)[0];
    if (!next) break;
    timers = timers.filter((one) => one !== next);
    now = next.at;
    next.callback();
  }
  now = moment;
}

const using = (session: string, replacement: string | null = null): Link => ({
  phase: replacement === null ? 'connected' : 'restoring',
  session,
  remoteEpoch: null,
  replacement: replacement === null ? null : newAttempt(replacement, null, false),
  tries: 0,
});
const noting = (note: string): PeerReport => ({ ...NOTHING_REPORTED, notes: [note] });
const from = (session: string, note: string): Report => ({ v: 1, ts: 1, session, ...noting(note) });

beforeEach(() => {
  now = 0;
  timers = [];
  sent = [];
  dropped = [];
  reports = createReports({
    send: ({ session, notes }) => sent.push({ at: now, session, notes }),
    onChange() {},
    onDrop: (what, why) => dropped.push(`${what}: ${why}`),
    clock,
  });
});

describe('this end’s report', () => {
  test('is not sent before there is something in it', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    reports.say();
    until(10_000);
    expect(sent).toEqual([]);
  });

  test('is sent as it is by then, and at most four times a second', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    for (let count = 1; count <= 100; count++) {
      until(count * 10);
      reports.mine(ONE, noting(String(count)));
    }
    until(10_000);
    expect(sent[0]?.at).toBeLessThanOrEqual(200);
    expect(sent.length).toBeLessThanOrEqual(5);
    expect(sent.at(-1)).toMatchObject({ session: ONE, notes: ['100'] });
  });

  test('is sent at once when asked for, and then not a second time', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    reports.mine(ONE, noting('failed'));
    reports.say();
    until(10_000);
    expect(sent).toEqual([{ at: 0, session: ONE, notes: ['failed'] }]);
  });

  test('of a connection that is made beside another goes out as well, and is shown while that one is silent', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    reports.mine(ONE, noting('serves'));
    reports.mine(TWO, NOTHING_REPORTED);
    reports.mine(TWO, noting('new'));
    expect(reports.now).toMatchObject({ session: ONE, here: noting('serves') });
    reports.follow(using(ONE, TWO));
    expect(reports.now).toMatchObject({ session: TWO, here: noting('new') });
    until(10_000);
    expect(sent.map(({ session, notes }) => [session, notes[0]])).toEqual([
      [ONE, 'serves'],
      [TWO, 'new'],
    ]);
  });

  test('of a session long ago is not sent any more', () => {
    const THREE = '0abcdefgh-0003';
    for (const session of [ONE, TWO, THREE]) reports.mine(session, NOTHING_REPORTED);
    reports.follow(using(THREE));
    reports.mine(ONE, noting('old'));
    for (const session of [TWO, THREE]) reports.mine(session, noting(session));
    until(10_000);
    expect(sent.map(({ session }) => session)).not.toContain(ONE);
  });

  test('is never longer than the protocol allows; the last is kept', () => {
    const states = Array.from({ length: 3 * MAX_LISTED }, (_, at) => ({
      at,
      of: 'ice' as const,
      state: 'x',
    }));
    const bodies: unknown[] = [];
    const long = createReports({
      send: (body) => bodies.push(body),
      onChange() {},
      onDrop() {},
      clock,
    });
    long.mine(ONE, NOTHING_REPORTED);
    long.follow(using(ONE));
    long.mine(ONE, { ...NOTHING_REPORTED, states, notes: ['x'.repeat(1_000)] });
    long.say();
    const parsed = PeerReportSchema.safeParse(bodies[0]);
    expect(parsed.success && parsed.data.states.at(-1)?.at).toBe(3 * MAX_LISTED - 1);
  });
});

describe('the other end’s report', () => {
  test('is believed for the session that there is', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    reports.theirs(from(ONE, 'one'));
    expect(reports.now.there).toEqual(noting('one'));
    reports.theirs(from(TWO, 'two'));
    reports.theirs(null);
    expect(reports.now.there).toEqual(noting('one'));
    expect(dropped).toEqual(['report: another session', 'report: is empty']);
  });

  test('is forgotten with its session', () => {
    reports.mine(ONE, NOTHING_REPORTED);
    reports.follow(using(ONE));
    reports.theirs(from(ONE, 'one'));
    reports.mine(TWO, NOTHING_REPORTED);
    reports.follow(using(TWO));
    expect(reports.now).toEqual({ session: TWO, here: NOTHING_REPORTED, there: null });
  });
});
