/** What happens in a vehicle, as messages. */
import { expect, test } from 'vitest';
import { AT_FIRST, type Safety } from '../../../shared/safety.ts';
import { createRecorder } from '../../../vehicle/log/recorder.ts';
import { manualClock } from '../../helpers/clock.ts';

const AHEAD = { steer: 0, throttle: 1, brake: 0, gear: 'D' } as const;
const COMMAND = { ...AHEAD, seq: 1, t: 0, lease: 1 };
const DRIVING: Safety = { ...AT_FIRST, state: 'driving', driver: 'op-1' };

function recording() {
  const time = manualClock();
  const written: [string, object][] = [];
  const recorder = createRecorder((topic, message) => void written.push([topic, message]), time.clock);
  const command = (age: number | null, dropped: string | null = null) =>
    recorder.recorded({ kind: 'command', operator: 'op-1', command: COMMAND, age, dropped });
  return {
    ...recorder,
    command,
    pass: time.pass,
    on: (topic: string) => written.filter(([name]) => name === topic).map(([, message]) => message),
  };
}

test('every command is there, those too that moved nothing; what is applied only when it is another', () => {
  const log = recording();
  for (const dropped of [null, 'no lease', null]) {
    log.command(7.3, dropped);
    log.applied(AHEAD, DRIVING);
  }
  log.command(null, 'a late command');
  const received = { operator: 'op-1', ...COMMAND };
  expect(log.on('/command/received')).toEqual([
    { ...received, age: 7, dropped: '' },
    { ...received, age: 7, dropped: 'no lease' },
    { ...received, age: 7, dropped: '' },
    { ...received, dropped: 'a late command' },
  ]);
  expect(log.on('/command/applied')).toEqual([{ ...AHEAD, state: 'driving' }]);
  expect(log.on('/safety')).toEqual([{ state: 'driving', reason: '', driver: 'op-1' }]);
});

test('another file begins with what holds', () => {
  const log = recording();
  log.applied(AHEAD, DRIVING);
  log.recorded({ kind: 'lease', holder: 'op-1', number: 1, asked: true });
  log.again();
  for (const topic of ['/command/applied', '/safety', '/lease']) {
    const [first, again, ...more] = log.on(topic);
    expect(again).toEqual(first);
    expect(more).toEqual([]);
  }
});

test('a speed limit is said once, however many operators are told', () => {
  const log = recording();
  for (const operator of ['op-1', 'op-2']) {
    const event = { type: 'limits', ts: 1, maxSpeed: 5, reason: 'the picture is late' } as const;
    log.recorded({ kind: 'event', operator, direction: 'sent', event });
  }
  expect(log.on('/limits')).toEqual([{ maxSpeed: 5, reason: 'the picture is late' }]);
  expect(log.on('/event')).toHaveLength(2);
});

test('clock events are left out', () => {
  const log = recording();
  const event = { type: 'clock', ts: 1, t: 1 } as const;
  log.recorded({ kind: 'event', operator: 'op-1', direction: 'received', event });
  expect(log.on('/event')).toEqual([]);
});

test('once a second it says how late each operator is, as far as it is known', () => {
  const log = recording();
  for (const age of [4, 80.4, null, 12]) log.command(age);
  log.pass(1_000);
  expect(log.on('/latency')).toEqual([{ operator: 'op-1', commandAgeMs: 80 }]);
  log.pass(1_000);
  expect(log.on('/latency')).toHaveLength(1);
});

test('how late they were in the last second before the end is not lost', () => {
  const log = recording();
  log.command(5);
  log.close();
  expect(log.on('/latency')).toEqual([{ operator: 'op-1', commandAgeMs: 5 }]);
});
