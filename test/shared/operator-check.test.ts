/** What an operator's descriptions cost a vehicle that looks at their signatures. */
import { expect, test } from 'vitest';
import type { Sdp } from '../../shared/messages.ts';
import { newAttempt } from '../../shared/negotiation-attempt.ts';
import { createOperatorCheck, TOO_MANY } from '../../shared/operator-check.ts';
import { createPersonBudget, FAILURES } from '../../shared/person-budget.ts';
import type { Session } from '../../shared/session.ts';
import { createSigner, type Ed25519, newKey } from '../../shared/signature.ts';
import { isOwn, newOperator } from '../../shared/vehicle-operator.ts';
import { NODE_ED25519 } from '../../vehicle/ed25519.ts';
import { testFleet } from '../helpers/keys.ts';

const { burst: BURST, perSecond: PER_SECOND } = FAILURES;
const fleet = testFleet();
const PAGE = 'op-5f0c3a9d21-0000000';
const answer = { v: 1, ts: 1, session: '0mwxg9bq2-0001', seq: 1, type: 'answer', sdp: 'v=0' } as const;

/** As the operator says it, or as somebody else does who has its pass. */
function say(self: string, forged: boolean, message: Omit<Sdp, 'v' | 'ts'> = answer): Sdp {
  const { identity } = fleet.operator(self);
  const pass = identity.pass() as string;
  const right = { ...createSigner('car1', self, identity.secretKey)('car1', message), pass };
  const other = createSigner('car1', self, newKey())('car1', message);
  return { v: 1, ts: 1, ...right, sig: forged ? other.sig : right.sig };
}

function vehicle() {
  let time = 0;
  let verified = 0;
  const ed25519: Ed25519 = {
    ...NODE_ED25519,
    verify: (...given) => {
      verified += 1;
      return NODE_ED25519.verify(...given);
    },
  };
  const now = () => time;
  const failures = createPersonBudget(FAILURES, now);
  const check = (peer: string) =>
    createOperatorCheck({ room: 'car1', peer, fleetKey: () => fleet.key, failures, ed25519, now });
  return {
    check,
    verified: () => verified,
    wait: (ms: number) => {
      time += ms;
    },
  };
}

test('of one person’s wrong signatures so many are looked at, over all its pages; of others’ right ones all', () => {
  const { check, verified, wait } = vehicle();
  const pages = [1, 2, 3, 4].map((number) => {
    const peer = `${PAGE}${number}`;
    return { check: check(peer), wrong: say(peer, true), right: say(peer, false) };
  });
  const flood = () => {
    for (let times = 0; times < 100; times++) for (const page of pages) page.check.refuses(page.wrong);
  };
  flood();
  // The pass and the signature; the pass once for each page.
  expect(verified()).toBeLessThanOrEqual(2 * BURST);
  expect(pages[0]?.check.refuses(pages[0].right)).toBe(TOO_MANY);
  expect(check('op-1').refuses(say('op-1', false))).toBeNull();
  const before = verified();
  wait(1_000);
  flood();
  expect(verified() - before).toBeLessThanOrEqual(2 * PER_SECOND);
  wait(1_000);
  expect(pages[0]?.check.refuses(pages[0].right)).toBeNull();
});

test('right signatures take nothing of it', () => {
  const { check } = vehicle();
  const page = check('op-1');
  const right = say('op-1', false);
  for (let times = 0; times < 5 * BURST; times++) expect(page.refuses(right)).toBeNull();
});

test('what the negotiation would drop anyway is not looked at', () => {
  const { check, verified } = vehicle();
  const next = '0mwxg9bq2-0002';
  const live = {
    phase: 'connected',
    session: answer.session,
    remoteEpoch: 1,
    replacement: newAttempt(next, 1, false),
  } as const;
  const session = { link: live } as Session;
  const never = () => {};
  const given = {
    session,
    epoch: 1,
    enter: never,
    stopWaiting: never,
    reports: {} as never,
    budget: {} as never,
  };
  const operator = newOperator({ ...given, check: check('op-1') });
  const dropped: string[] = [];
  const own = (message: Sdp) =>
    isOwn(operator, message, (_what, why) => void dropped.push(why), { after: () => never } as never);
  for (const more of [{ type: 'offer' }, { type: 'answer' }, { type: 'offer', session: next }] as const)
    expect(own(say('op-1', false, { ...answer, ...more }))).toBe(false);
  expect([verified(), new Set(dropped).size]).toEqual([0, 1]);
  expect(own(say('op-1', false, { ...answer, session: next }))).toBe(true);
  expect(own(say('op-1', false, { session: answer.session, seq: 1, type: 'restart' }))).toBe(true);
  expect(verified()).toBe(4);
});

test('who was forgotten is remembered again', () => {
  let time = 0;
  const budget = createPersonBudget(FAILURES, () => time);
  for (let person = 0; person < 3_000; person++) {
    budget.charge(`op-${person}`);
    time += 1_000;
  }
  for (let times = 0; times < BURST; times++) budget.charge('op-1');
  expect(budget.isSpent('op-1')).toBe(true);
  expect(budget.isSpent('op-2')).toBe(false);
});
