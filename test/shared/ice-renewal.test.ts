/** ICE servers are renewed in time, and those at hand go on being used when that fails. */
import { expect, test } from 'vitest';
import { type IceState, renewIceServers } from '../../shared/ice-renewal.ts';
import type { IceAnswer } from '../../shared/server-api.ts';
import { testClock } from '../helpers/clock.ts';

const HOUR_S = 3_600;
const MINUTE = 60_000;

/** A renewal whose answers a test gives. */
function start() {
  const clock = testClock();
  const changes: IceState[] = [];
  const asks: number[] = [];
  let answer: () => Promise<IceAnswer> = async () => servers('first');
  const begun = clock.now();
  const renewal = renewIceServers({
    ask() {
      asks.push((clock.now() - begun) / 1_000);
      return answer();
    },
    clock,
    onChange: (state) => changes.push(state),
  });
  return {
    clock,
    renewal,
    changes,
    /** When it has asked, seconds from the beginning. */
    asks,
    answers(next: () => Promise<IceAnswer>) {
      answer = next;
    },
    user: () => renewal.state.servers[0]?.username,
  };
}

const servers = (username: string, ttl = HOUR_S): IceAnswer => ({
  iceServers: [{ urls: 'turn:a', username, credential: 'c' }],
  ttl,
});

test('they are renewed at half of their life, by themselves', async () => {
  const { clock, renewal, asks, answers, user, changes } = start();
  await renewal.first;
  expect(user()).toBe('first');
  answers(async () => servers('second', 600));
  await clock.pass(30 * MINUTE - 1);
  expect(asks).toEqual([0]);
  await clock.pass(1);
  expect(user()).toBe('second');
  await clock.pass(5 * MINUTE);
  expect(asks).toEqual([0, 1_800, 2_100]);
  // The same servers again are no change.
  expect(changes).toHaveLength(2);
});

test('where the server may be another one they are asked for at once, and not again and again', async () => {
  const { clock, renewal, asks, answers, user } = start();
  await renewal.first;
  answers(async () => servers('of another server'));
  renewal.again();
  expect(asks).toEqual([0]);
  await clock.pass(10_000);
  renewal.again();
  renewal.again();
  await clock.pass(0);
  expect(asks).toEqual([0, 10]);
  expect(user()).toBe('of another server');
  // And in time from then on.
  await clock.pass(30 * MINUTE);
  expect(asks).toEqual([0, 10, 1_810]);
});

test('an answer that is the same is the same list', async () => {
  const { clock, renewal, asks } = start();
  await renewal.first;
  const before = renewal.state.servers;
  await clock.pass(30 * MINUTE);
  expect(asks).toHaveLength(2);
  expect(renewal.state.servers).toBe(before);
});

test('what was due while the computer slept, and timers with it, is asked for at the first use', async () => {
  const clock = testClock();
  let slept = 0;
  let count = 0;
  const renewal = renewIceServers({
    ask: async () => servers(`number ${++count}`),
    clock: { ...clock, now: () => clock.now() + slept },
    onChange: () => {},
  });
  await renewal.first;
  expect(renewal.state.servers[0]?.username).toBe('number 1');
  slept = 40 * MINUTE;
  // It is there for the next.
  expect(renewal.state.servers[0]?.username).toBe('number 1');
  await clock.pass(0);
  expect(renewal.state.servers[0]?.username).toBe('number 2');
});

test('when it fails, those at hand are kept, and it is tried again after growing pauses', async () => {
  const { clock, renewal, asks, answers, user } = start();
  await renewal.first;
  answers(() => Promise.reject(new Error('nobody answers')));
  await clock.pass(30 * MINUTE);
  expect(user()).toBe('first');
  expect(renewal.state.warnings).toEqual(['STUN and TURN servers could not be renewed: nobody answers.']);
  await clock.pass(2 * MINUTE);
  expect(asks.map((second) => second - 1_800).slice(1)).toEqual([0, 2, 6, 14, 30, 60, 90, 120]);
  await clock.pass(28 * MINUTE);
  expect(user()).toBe('first');
  expect(renewal.state.warnings).toEqual([
    'STUN and TURN servers could not be renewed, and those at hand have expired: nobody answers.',
  ]);
  answers(async () => servers('back'));
  await clock.pass(MINUTE);
  expect(user()).toBe('back');
  expect(renewal.state.warnings).toEqual([]);
});

test('the first attempt ends when it fails, too, and warnings of the answer are passed on', async () => {
  const clock = testClock();
  const warnings = ['A service refused the key (401). Check THE_KEY.'];
  let count = 0;
  const renewal = renewIceServers({
    ask: async () => {
      if (++count === 1) throw new Error('it answered 500');
      return { ...servers('late'), warnings };
    },
    clock,
    onChange: () => {},
  });
  await renewal.first;
  expect(renewal.state).toEqual({
    servers: [],
    warnings: ['There are no STUN and TURN servers yet: it answered 500.'],
  });
  await clock.pass(2_000);
  expect(renewal.state).toEqual({ servers: servers('late').iceServers, warnings });
});

test('an answer that is valid for seconds only is not asked for all the time', async () => {
  const { clock, renewal, asks, answers } = start();
  answers(async () => servers('short', 4));
  await renewal.first;
  await clock.pass(30 * MINUTE);
  asks.length = 0;
  await clock.pass(MINUTE);
  expect(asks).toHaveLength(4);
});

test('after close nothing is asked for any more', async () => {
  const { clock, renewal, asks } = start();
  await renewal.first;
  renewal.close();
  await clock.pass(120 * MINUTE);
  expect(renewal.state.servers).toHaveLength(1);
  expect(asks).toEqual([0]);
});
