/** A server that was late itself: nobody is closed for silence that it did not listen to. */
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../../broker/limits/limits.ts';
import { createLine } from '../../../broker/limits/line.ts';
import { watchLines } from '../../../broker/limits/watch-lines.ts';
import { manualClock } from '../../helpers/clock.ts';

const ANSWER_SECONDS = 4;

/** A line whose other end never says anything, with a clock of its own. */
function silentLine() {
  const time = manualClock();
  const closed: string[] = [];
  let pings = 0;
  const line = createLine({
    transport: {
      stream: new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }),
      backlog: () => 0,
      ping: () => void pings++,
    },
    limits: { ...DEFAULT_LIMITS, answerSeconds: ANSWER_SECONDS },
    clock: time.clock,
    onOver: ({ reason }) => void closed.push(reason),
  });
  line.stream.on('error', () => {});
  watchLines(time.clock).add(line);
  return { ...time, closed, pings: () => pings };
}

test('in time, it asks, and then closes', () => {
  const line = silentLine();
  for (let second = 0; second <= ANSWER_SECONDS; second++) line.pass(1_000);
  expect(line.pings()).toBe(1);
  expect(line.closed).toEqual(['it answered nothing for 4 s']);
});

test('late by however much, it asks first', () => {
  const line = silentLine();
  line.freeze(10 * ANSWER_SECONDS * 1_000);
  line.pass(0);
  expect([line.pings(), line.closed]).toEqual([0, []]);
  for (let second = 0; second <= ANSWER_SECONDS; second++) line.pass(1_000);
  expect(line.pings()).toBe(1);
  expect(line.closed).toHaveLength(1);
});

test('late after it has asked, it still waits for as long as it says', () => {
  const line = silentLine();
  for (let second = 0; second < ANSWER_SECONDS - 1; second++) line.pass(1_000);
  expect(line.pings()).toBe(1);
  line.freeze(30_000);
  line.pass(0);
  expect(line.closed).toEqual([]);
});
