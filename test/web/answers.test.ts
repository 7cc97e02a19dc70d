/** Events as Chromium 156 gave them, against coturn, closed ports and names that don't exist. */
import { describe, expect, test } from 'vitest';
import { createAnswers, type IceError } from '../../web/peer/answers.ts';

const UDP = 'turn:turn.example.com:3478?transport=udp';
const TCP = 'turn:turn.example.com:3478?transport=tcp';
const STUN = 'stun:turn.example.com:3478';

const error = (errorCode: number, url: string, errorText: string, address: string | null): IceError => ({
  errorCode,
  url,
  errorText,
  address,
});
const timedOut = (url: string, address = '0.0.0.x') =>
  error(701, url, `${url.startsWith('stun') ? 'STUN binding' : 'TURN allocate'} request timed out.`, address);
const V6 = '[0:0:0:x:x:x:x:x]';

test('all wait at first', () => {
  expect(createAnswers([UDP, STUN]).all).toEqual([
    { url: UDP, answer: 'waiting' },
    { url: STUN, answer: 'waiting' },
  ]);
});

test('a candidate is an answer, however the URL was spelled', () => {
  const answers = createAnswers(['turn:Turn.example.com', 'turns:turn.example.com', 'stun:turn.example.com']);
  answers.gave('turn:turn.example.com:3478?transport=udp', 62);
  answers.gave('turns:turn.example.com:5349?transport=tcp', 88);
  answers.gave('stun:turn.example.com:3478', 9);
  answers.gave(null, 10);
  expect(answers.all.map(({ answer, ms }) => [answer, ms])).toEqual([
    ['ok', 62],
    ['ok', 88],
    ['ok', 9],
  ]);
});

test('TURN over UDP that refuses is not taken for the STUN that the browser tries there too', () => {
  const answers = createAnswers([UDP, TCP]);
  answers.gave(STUN, 3);
  answers.erred(error(401, UDP, 'Unauthorized.', '0.0.0.x'), 68);
  answers.complete(false);
  expect(answers.all).toEqual([
    { url: UDP, answer: 'refused', code: 401, detail: 'Unauthorized', ms: 68 },
    { url: TCP, answer: 'unreachable', detail: 'no answer' },
  ]);
});

describe('of several interfaces', () => {
  test('one that works is enough', () => {
    const answers = createAnswers([UDP]);
    answers.gave(UDP, 55);
    answers.erred(timedOut(UDP, V6), 39_943);
    answers.complete(false);
    expect(answers.all).toMatchObject([{ answer: 'ok' }]);
    const late = createAnswers([UDP]);
    late.erred(timedOut(UDP), 20_000);
    late.gave(UDP, 20_055);
    expect(late.all).toMatchObject([{ answer: 'ok' }]);
  });

  test('a name without an IPv6 address is not unknown while IPv4 may still work', () => {
    const answers = createAnswers([UDP]);
    answers.erred(error(701, UDP, 'TURN host lookup received error.', V6), 6);
    expect(answers.all).toMatchObject([{ answer: 'waiting' }]);
    answers.silence(5_000);
    expect(answers.all).toMatchObject([{ answer: 'unreachable' }]);
  });

  test('nor is it anything else, when there is IPv6 only', () => {
    const answers = createAnswers([UDP]);
    answers.erred(error(701, UDP, 'TURN host lookup received error.', V6), 6);
    answers.complete(false);
    expect(answers.all).toMatchObject([{ answer: 'unknown' }]);
  });
});

test('a server that is silent is unreachable, and may still be heard of later', () => {
  const answers = createAnswers([UDP]);
  answers.silence(5_000);
  expect(answers.all).toEqual([{ url: UDP, answer: 'unreachable', detail: 'no answer for 5 s' }]);
  answers.gave(UDP, 7_000);
  expect(answers.all).toEqual([{ url: UDP, answer: 'ok', ms: 7_000 }]);
});

test('a STUN server that tells nothing new gives no candidate and no error: it has answered', () => {
  const answers = createAnswers([STUN, 'stun:other.example.com']);
  answers.gave(STUN, 8);
  answers.silence(5_000);
  expect(answers.all).toMatchObject([{ answer: 'ok' }, { answer: 'waiting' }]);
  answers.complete(false);
  expect(answers.all).toMatchObject([{ answer: 'ok' }, { answer: 'ok' }]);
});

test('a STUN server that timed out has not', () => {
  const answers = createAnswers([STUN]);
  answers.erred(timedOut(STUN), 39_882);
  answers.complete(false);
  expect(answers.all).toMatchObject([{ answer: 'unreachable', detail: 'no answer' }]);
});

test('a name that can’t be resolved is unknown, over TCP too, where the browser says only that it failed', () => {
  const answers = createAnswers([TCP, UDP, 'turn:here.example.com?transport=tcp']);
  answers.erred(error(701, TCP, 'Failed to establish connection', null), 5);
  answers.erred(
    error(701, 'turn:here.example.com:3478?transport=tcp', 'Failed to establish connection', null),
    5,
  );
  answers.erred(error(701, STUN, 'STUN host lookup received error.', '0.0.0.x'), 6);
  answers.erred(error(701, UDP, 'TURN host lookup received error.', '0.0.0.x'), 56);
  expect(answers.all.map(({ answer }) => answer)).toEqual(['unknown', 'unknown', 'unreachable']);
  const other = createAnswers([TCP, UDP]);
  other.erred(error(701, STUN, 'STUN host lookup received error.', '0.0.0.x'), 6);
  other.erred(error(701, TCP, 'Failed to establish connection', null), 50);
  expect(other.all).toMatchObject([{ answer: 'unknown' }, { answer: 'waiting' }]);
});

test('what is no address is not tried, and not shown: there may be a login in it', () => {
  const answers = createAnswers(['turn:user:secret@turn.example.com']);
  answers.silence(5_000);
  answers.complete(false);
  expect(answers.all).toEqual([{ url: 'an address that is none', answer: 'skipped' }]);
});

test('a browser that has found a path asks no more: that is nobody’s fault', () => {
  const answers = createAnswers([STUN, UDP, TCP]);
  answers.gave(STUN, 3);
  answers.complete(true);
  expect(answers.all.map(({ answer }) => answer)).toEqual(['ok', 'skipped', 'skipped']);
});
