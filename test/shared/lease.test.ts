import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ANSWER_MS,
  EXPIRES_MS,
  type Lease,
  type LeaseEvent,
  type LeaseWord,
  leaseAfter,
  noLease,
  REGAIN_MS,
  STAND_MS,
} from '../../shared/lease.ts';

type How = Extract<LeaseEvent, { type: 'request' }>['how'];

/** A vehicle that stands unless told otherwise, and what it says. */
function vehicle() {
  let lease: Lease = noLease(0);
  let now = 0;
  let standing = true;
  let heardAt = 0;
  function step(event: LeaseEvent): LeaseWord[] {
    const [after, words] = leaseAfter(lease, event, now);
    lease = after;
    return words;
  }
  return {
    get now() {
      return lease;
    },
    moves(on = true) {
      standing = !on;
    },
    /** As its 50 ms go by, with or without commands of the holder. */
    wait(ms: number, commands = true): LeaseWord[] {
      const until = now + ms;
      const said: LeaseWord[] = [];
      for (; now < until; now += 50) {
        if (commands) heardAt = now;
        said.push(...step({ type: 'tick', standing, heardAt }));
      }
      return said;
    },
    ask: (peer: string, how: How = 'plain') => step({ type: 'request', peer, how, standing }),
    handOver: (peer: string, to: string) => step({ type: 'handover', peer, to, standing }),
    decline: (peer: string, to: string) => step({ type: 'decline', peer, to }),
    release: (peer: string) => step({ type: 'release', peer, standing }),
    lost: (peer: string) => step({ type: 'lost', peer, standing }),
    back: (peer: string) => step({ type: 'back', peer }),
    renew: () => step({ type: 'renew' }),
  };
}

const grant = (to: string, lease: number) => ({ to, type: 'grant', lease });
const STANDS_FIRST = 'the car has to stand first';

describe('the lease', () => {
  test('is held by the first who asks, until that one lets go; every grant has a new number', () => {
    const car = vehicle();
    expect(car.ask('op-a')).toEqual([grant('op-a', 1)]);
    expect(car.ask('op-b')).toEqual([{ to: 'op-b', type: 'deny', reason: 'op-a is driving' }]);
    expect(car.ask('op-a')).toEqual([grant('op-a', 1)]);
    expect(car.release('op-b')).toEqual([]);
    expect(car.now.holder).toBe('op-a');
    car.release('op-a');
    expect(car.now.holder).toBeNull();
    expect(car.ask('op-b')).toEqual([grant('op-b', 2)]);
  });

  test('keeps its holder under a new number when what was under way must not count', () => {
    const car = vehicle();
    expect(car.renew()).toEqual([]);
    car.ask('op-a');
    expect(car.renew()).toEqual([grant('op-a', 2)]);
    expect(car.now.holder).toBe('op-a');
  });

  test('goes to somebody else only when the vehicle stands, and to the same hands at once', () => {
    const car = vehicle();
    car.ask('op-a');
    car.moves();
    car.release('op-a');
    expect(car.ask('op-b')).toEqual([{ to: 'op-b', type: 'wait', reason: STANDS_FIRST }]);
    expect(car.now).toMatchObject({ holder: null, next: { peer: 'op-b' } });
    expect(car.ask('op-c')).toMatchObject([{ to: 'op-c', type: 'deny' }]);
    expect(car.wait(500)).toEqual([]);
    car.moves(false);
    expect(car.wait(50)).toEqual([grant('op-b', 2)]);
    car.moves();
    car.release('op-b');
    expect(car.ask('op-b')).toEqual([grant('op-b', 3)]);
  });

  test('is given to nobody when the vehicle goes on moving', () => {
    const car = vehicle();
    car.ask('op-a');
    car.moves();
    car.release('op-a');
    car.ask('op-b');
    expect(car.wait(STAND_MS + 100)).toMatchObject([{ to: 'op-b', type: 'deny' }]);
    expect(car.now.next).toBeNull();
  });

  test('ends when no command of its holder comes any more', () => {
    const car = vehicle();
    car.ask('op-a');
    expect(car.wait(2 * EXPIRES_MS)).toEqual([]);
    expect(car.wait(EXPIRES_MS + 100, false)).toEqual([
      { to: 'op-a', type: 'revoke', reason: 'no command for 10 s' },
    ]);
    expect(car.now.holder).toBeNull();
  });
});

describe('who asks for a hand-over', () => {
  const asked = () => {
    const car = vehicle();
    car.ask('op-a');
    car.moves();
    expect(car.ask('op-b', 'handover')).toEqual([
      { to: 'op-b', type: 'wait', reason: 'op-a is asked to hand over' },
      { to: 'op-a', type: 'handover', peer: 'op-b' },
    ]);
    return car;
  };

  test('gets the wheel when the holder gives it, and the vehicle stands', () => {
    const car = asked();
    expect(car.handOver('op-a', 'op-b')).toEqual([
      { to: 'op-a', type: 'revoke', reason: 'handed over to op-b' },
      { to: 'op-b', type: 'wait', reason: STANDS_FIRST },
    ]);
    expect(car.now.holder).toBeNull();
    car.moves(false);
    expect(car.wait(50)).toEqual([grant('op-b', 2)]);
  });

  test('does not when the holder declines, nor when it does not answer', () => {
    const car = asked();
    expect(car.decline('op-a', 'op-b')).toEqual([
      { to: 'op-b', type: 'deny', reason: 'op-a keeps the wheel' },
    ]);
    car.ask('op-b', 'handover');
    expect(car.wait(ANSWER_MS + 100)).toEqual([
      { to: 'op-b', type: 'deny', reason: 'op-a has not answered' },
      { to: 'op-a', type: 'handover', peer: null },
    ]);
    expect(car.now).toMatchObject({ holder: 'op-a', asking: null });
  });

  test.each(['release', 'lost'] as const)('gets it when the holder goes: %s', (how) => {
    const car = asked();
    car.moves(false);
    expect(car[how]('op-a')).toEqual([grant('op-b', 2)]);
  });

  test('is one at a time, and may think better of it', () => {
    const car = asked();
    expect(car.ask('op-c', 'handover')).toEqual([
      { to: 'op-c', type: 'deny', reason: 'op-b has asked for it already' },
    ]);
    expect(car.release('op-b')).toEqual([{ to: 'op-a', type: 'handover', peer: null }]);
    expect(car.handOver('op-a', 'op-b')).toEqual([]);
    expect(car.now.holder).toBe('op-a');
  });

  test('is not helped by anybody but the holder', () => {
    const car = asked();
    expect(car.handOver('op-c', 'op-b')).toEqual([]);
    expect(car.handOver('op-a', 'op-c')).toEqual([]);
    expect(car.now.holder).toBe('op-a');
  });

  test('gets it at once when nobody holds it', () => {
    expect(vehicle().ask('op-b', 'handover')).toEqual([grant('op-b', 1)]);
  });
});

test('a supervisor takes the wheel from whoever has it: that one moves nothing from then on', () => {
  const car = vehicle();
  car.ask('op-a');
  car.moves();
  car.ask('op-b', 'handover');
  expect(car.ask('op-s', 'takeover')).toEqual([
    { to: 'op-a', type: 'revoke', reason: 'op-s has taken over' },
    { to: 'op-b', type: 'deny', reason: 'op-s has taken over' },
    { to: 'op-s', type: 'wait', reason: STANDS_FIRST },
  ]);
  expect(car.now.holder).toBeNull();
  car.moves(false);
  expect(car.wait(50)).toEqual([grant('op-s', 2)]);
});

describe('whoever loses the session while driving', () => {
  test('has the wheel again in the next one, under a new number, once, also while the vehicle still rolls', () => {
    const car = vehicle();
    car.ask('op-a');
    car.moves();
    car.lost('op-a');
    expect(car.now.holder).toBeNull();
    expect(car.back('op-b')).toEqual([]);
    expect(car.back('op-a')).toEqual([grant('op-a', 2)]);
    car.release('op-a');
    expect(car.back('op-a')).toEqual([]);
  });

  test('has not when somebody else was faster, nor after a while, nor who did not drive', () => {
    const car = vehicle();
    car.ask('op-a');
    car.lost('op-b');
    expect(car.now.holder).toBe('op-a');
    car.lost('op-a');
    car.ask('op-b');
    expect(car.back('op-a')).toEqual([]);
    car.lost('op-b');
    car.wait(REGAIN_MS + 100);
    expect(car.back('op-b')).toEqual([]);
  });

  test('nor when somebody had it in between, however short', () => {
    const car = vehicle();
    car.ask('op-a');
    car.ask('op-b', 'handover');
    car.lost('op-a');
    car.moves();
    car.release('op-b');
    expect(car.back('op-a')).toEqual([]);
  });
});

test('whatever happens, hands change only while the vehicle stands, and nobody holds an old number', () => {
  const peer = fc.constantFrom('op-a', 'op-b', 'op-c');
  const standing = fc.boolean();
  const event: fc.Arbitrary<LeaseEvent> = fc.oneof(
    fc.record({
      type: fc.constant('request' as const),
      peer,
      how: fc.constantFrom('plain' as const, 'handover' as const, 'takeover' as const),
      standing,
    }),
    fc.record({ type: fc.constant('handover' as const), peer, to: peer, standing }),
    fc.record({ type: fc.constant('decline' as const), peer, to: peer }),
    fc.record({ type: fc.constantFrom('release' as const, 'lost' as const), peer, standing }),
    fc.record({ type: fc.constant('back' as const), peer }),
    fc.record({ type: fc.constant('renew' as const) }),
    fc.record({ type: fc.constant('tick' as const), standing, heardAt: fc.nat(100_000) }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6_000), event), { maxLength: 80 }), (steps) => {
      let now = 0;
      let lease = noLease(0);
      let drove: string | null = null;
      for (const [ms, each] of steps) {
        now += ms;
        const [after, words] = leaseAfter(lease, each, now);
        if (after.holder !== null && drove !== null && after.holder !== drove) {
          expect(each).toMatchObject({ standing: true });
        }
        if (after.holder !== null && after.holder !== lease.holder)
          expect(after.number).toBe(lease.number + 1);
        expect(after.number).toBeGreaterThanOrEqual(lease.number);
        if (after.next !== null) expect(after.holder).toBeNull();
        if (after.asking !== null) expect(after.holder).not.toBeNull();
        // Who is told that it holds the wheel is the one who does, by its number.
        for (const word of words) {
          if (word.type === 'grant') expect(after).toMatchObject({ holder: word.to, number: word.lease });
        }
        drove = after.holder ?? drove;
        lease = after;
      }
    }),
  );
});
