import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Event,
  initialState,
  isLive,
  MAX_TRIES,
  PATH_TRIES,
  type State,
  sessionEpoch,
  sessionId,
  step,
} from '../../shared/negotiation.ts';
import { type Action, createWorld } from './negotiation-world.ts';

const EPOCH = 1_800_000_000_000;

function run(state: State, ...events: Event[]) {
  const effects = [];
  for (const event of events) {
    const [next, made] = step(state, event);
    state = next;
    effects.push(...made);
  }
  return { state, effects, types: effects.map(({ type }) => type) };
}

describe('while nobody else is there', () => {
  test.each(['offerer', 'answerer'] as const)('the %s opens nothing and describes nothing', (role) => {
    const { types } = run(
      initialState(role, EPOCH),
      { type: 'timeout' },
      { type: 'presence', online: false, epoch: null },
    );
    expect(types.filter((type) => type !== 'disarm')).toEqual([]);
  });
});

describe('the offerer', () => {
  const offering = run(
    initialState('offerer', EPOCH),
    { type: 'presence', online: true, epoch: 7 },
    { type: 'described', session: sessionId(EPOCH, 1), sdp: 'offer' },
  );
  const session = sessionId(EPOCH, 1);

  test('makes a description only when somebody is there', () => {
    expect(offering.types).toEqual(['open', 'makeOffer', 'arm', 'sendSdp']);
  });

  test('keeps candidates that come before the answer, and applies them after it', () => {
    const candidates = [{ candidate: 'candidate:1' }];
    const early = run(offering.state, { type: 'ice', message: { session, candidates, done: true } });
    expect(early.types).toEqual([]);
    const answered = run(early.state, {
      type: 'sdp',
      message: { session, seq: 1, type: 'answer', sdp: 'answer' },
    });
    expect(answered.types).toEqual(['takeAnswer', 'addCandidates', 'arm']);
    expect(answered.effects[1]).toMatchObject({ candidates, done: true });
  });

  test('repeats its offer and its candidates until it gives up with a reason', () => {
    let { state } = run(offering.state, {
      type: 'gathered',
      session,
      candidates: [{ candidate: 'candidate:2' }],
      done: false,
    });
    for (let i = 0; i < MAX_TRIES; i++) {
      const repeated = run(state, { type: 'timeout' });
      expect(repeated.types).toEqual(['sendSdp', 'sendIce', 'arm']);
      state = repeated.state;
    }
    const last = run(state, { type: 'timeout' });
    expect(last.types).toEqual(['close', 'sendBye', 'arm']);
    expect(last.effects[1]).toMatchObject({ body: { reason: 'failed', detail: 'no answer came' } });
    expect(last.state.link).toMatchObject({ phase: 'retrying' });
  });

  test('starts a new session for a new run of the operator, and none for the same run seen again', () => {
    expect(run(offering.state, { type: 'presence', online: true, epoch: 7 }).types).toEqual([]);
    const renewed = run(offering.state, { type: 'presence', online: true, epoch: 8 });
    expect(renewed.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
    expect(renewed.state.link).toMatchObject({ session: sessionId(EPOCH, 2) });
  });

  const connected = run(
    offering.state,
    { type: 'sdp', message: { session, seq: 1, type: 'answer', sdp: 'answer' } },
    { type: 'transport', session, state: 'connected' },
  );
  const second = sessionId(EPOCH, 2);
  const silent: Event = { type: 'transport', session, state: 'silent' };
  const heard: Event = { type: 'transport', session, state: 'connected' };
  const open: Event = { type: 'transport', session: second, state: 'connected' };
  const gone: Event = { type: 'presence', online: false, epoch: null };
  const secondOffer: Event = { type: 'described', session: second, sdp: 'another' };
  const secondAnswer: Event = {
    type: 'sdp',
    message: { session: second, seq: 1, type: 'answer', sdp: 'yes' },
  };
  const asked: Event = { type: 'sdp', message: { session, seq: 1, type: 'restart' } };

  test('keeps a connected session when presence goes, and ends it when nothing is heard either', () => {
    const alone = run(connected.state, gone);
    expect(alone.state.link.phase).toBe('connected');
    const lost = run(alone.state, silent, { type: 'timeout' });
    expect(lost.state.link.phase).toBe('waiting');
    expect(lost.types).toContain('close');
  });

  test('makes another connection beside the silent one, and says so again after a reconnect to the broker', () => {
    const restoring = run(connected.state, silent, secondOffer);
    expect(restoring.types).toEqual(['open', 'makeOffer', 'arm', 'sendSdp']);
    expect(restoring.state.link).toMatchObject({
      phase: 'restoring',
      session,
      replacement: { session: second },
    });
    const back = run(restoring.state, gone, { type: 'presence', online: true, epoch: 7 });
    expect(back.state.link).toMatchObject({ phase: 'restoring', session });
    // What was sent to the connection that is gone is sent again.
    expect(back.effects).toContainEqual({
      type: 'sendSdp',
      body: { session: second, seq: 1, type: 'offer', sdp: 'another' },
    });
  });

  test('hands over to the new connection when that is open, and lets the old one end', () => {
    const over = run(connected.state, silent, secondOffer, secondAnswer, open);
    expect(over.effects).toContainEqual({ type: 'retire', session });
    expect(over.state.link).toMatchObject({ phase: 'connected', session: second, replacement: null });
  });

  test('is connected again by whatever it hears first, and finishes the new connection all the same', () => {
    const back = run(connected.state, silent, secondOffer, heard);
    expect(back.state.link).toMatchObject({ phase: 'connected', session, replacement: { answered: false } });
    expect(run(back.state, { type: 'timeout' }).types).toEqual(['sendSdp', 'arm']);
    const done = run(back.state, secondAnswer);
    expect(done.types).toContain('takeAnswer');
    // Silence a moment later is no reason for a third one.
    expect(run(done.state, silent).types).toEqual(['arm']);
    expect(run(done.state, open).state.link).toMatchObject({ phase: 'connected', session: second });
  });

  test('goes on with the new connection when the old one ends, and begins anew when there is none', () => {
    const { state } = run(connected.state, silent, secondOffer);
    const failed: Event = { type: 'transport', session, state: 'failed' };
    const bye: Event = { type: 'bye', message: { session, reason: 'failed' } };
    for (const end of [failed, bye]) {
      const promoted = run(state, end);
      expect(promoted.types).toEqual(['close', 'arm']);
      expect(promoted.state.link).toMatchObject({ phase: 'connecting', session: second });
    }
    const alone = run(state, { type: 'transport', session: second, state: 'failed' });
    for (const end of [failed, bye]) {
      const anew = run(alone.state, end);
      expect(anew.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
      expect(anew.state.link).toMatchObject({ phase: 'connecting', session: sessionId(EPOCH, 3) });
    }
  });

  test('gives an answered one four waits for its path, and then makes a third', () => {
    let { state } = run(connected.state, silent, secondOffer, secondAnswer);
    for (let second = 1; second <= PATH_TRIES; second++) {
      expect(run(state, { type: 'timeout' }).types).not.toContain('open');
      ({ state } = run(state, { type: 'timeout' }));
    }
    const third = run(state, { type: 'timeout' });
    expect(third.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
    expect(third.state.link).toMatchObject({ phase: 'restoring', session });
  });

  test('gives all up when nothing is heard on any of them for long', () => {
    let { state } = run(connected.state, silent);
    let waits = 0;
    for (; state.link.phase === 'restoring' && waits < 100; waits++)
      ({ state } = run(state, { type: 'timeout' }));
    expect(waits).toBe(17);
    expect(state.link.phase).toBe('retrying');
  });

  test('that has moved makes another one while the old one serves on', () => {
    const moved = run(connected.state, { type: 'moved' }, secondOffer);
    expect(moved.types).toEqual(['open', 'makeOffer', 'arm', 'sendSdp']);
    expect(moved.state.link).toMatchObject({ phase: 'connected', replacement: { session: second } });
    const lost = run(moved.state, silent);
    expect(lost.types).toEqual(['sendSdp', 'arm']);
    expect(run(lost.state, { type: 'signalling' }).types).toEqual(['sendSdp']);
  });

  test('whose offer has waited for the broker makes it anew, with what can be gathered now', () => {
    const waited = run(connected.state, silent, secondOffer, { type: 'timeout' });
    const again = run(waited.state, { type: 'signalling' });
    expect(again.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
    expect(again.state.link).toMatchObject({
      phase: 'restoring',
      replacement: { session: sessionId(EPOCH, 3) },
    });
  });

  test('answers who asks for one that is being made with its offer, and does not begin another', () => {
    expect(run(connected.state, asked).types).toEqual(['open', 'makeOffer', 'arm']);
    const { state } = run(connected.state, silent, secondOffer);
    expect(run(state, asked).types).toEqual(['sendSdp']);
    expect(run(state, secondAnswer, asked).types).not.toContain('open');
  });

  test('gives a new connection up that never opens while the old one is heard', () => {
    let { state } = run(connected.state, { type: 'moved' }, secondOffer, secondAnswer);
    for (let wait = 0; wait <= PATH_TRIES; wait++) ({ state } = run(state, { type: 'timeout' }));
    expect(state.link).toMatchObject({ phase: 'connected', session, replacement: null });
  });

  test('says goodbye to both when it leaves', () => {
    const left = run(connected.state, silent, { type: 'leave', reason: 'left' });
    expect(left.types.slice(-5, -1)).toEqual(['sendBye', 'sendBye', 'close', 'close']);
  });
});

describe('the answerer', () => {
  const offer = (count: number, seq = 1): Event => ({
    type: 'sdp',
    message: { session: sessionId(EPOCH, count), seq, type: 'offer', sdp: 'offer' },
  });
  const first = sessionId(EPOCH, 1);
  const connected = run(
    initialState('answerer', 1),
    { type: 'presence', online: true, epoch: EPOCH },
    offer(1),
    { type: 'transport', session: first, state: 'connected' },
  );
  const silent: Event = { type: 'transport', session: first, state: 'silent' };
  const ask = { type: 'sendSdp', body: { session: first, seq: 1, type: 'restart' } };

  test('drops an older session, and answers a repeated offer again', () => {
    const described: Event = { type: 'described', session: sessionId(EPOCH, 2), sdp: 'answer' };
    const { state } = run(initialState('answerer', 1), offer(2), described);
    expect(run(state, offer(1)).types).toEqual(['drop']);
    expect(run(state, offer(2)).effects).toMatchObject([{ type: 'sendSdp', body: { type: 'answer' } }]);
  });

  test('tells an offerer that repeats an ended session that it is over', () => {
    const { state } = run(initialState('answerer', 1), offer(1), {
      type: 'transport',
      session: first,
      state: 'failed',
    });
    expect(run(state, offer(1)).effects).toMatchObject([{ type: 'sendBye', body: { reason: 'failed' } }]);
  });

  test('refuses the ICE restart of an older vehicle, which then begins a new session', () => {
    expect(run(connected.state, offer(1, 2)).effects).toMatchObject([
      { type: 'sendBye', body: { session: first, reason: 'failed' } },
    ]);
    expect(run(connected.state, offer(1)).types).toEqual(['drop']);
  });

  test('asks for another connection when nothing is heard, again when the broker is back, and not while it hears', () => {
    expect(run(connected.state, { type: 'signalling' }).types).toEqual([]);
    const { state, effects } = run(connected.state, silent);
    expect(effects).toContainEqual(ask);
    expect(run(state, { type: 'signalling' }).effects).toEqual([ask]);
    expect(run(state, { type: 'timeout' }).effects).toContainEqual(ask);
  });

  test('takes another one beside what it has, and goes over to it when it is open', () => {
    const beside = run(connected.state, offer(2));
    expect(beside.types).toEqual(['open', 'takeOffer', 'arm']);
    expect(beside.state.link).toMatchObject({ phase: 'connected', session: first });
    const newer = run(beside.state, offer(3));
    expect(newer.effects).toContainEqual({ type: 'close', session: sessionId(EPOCH, 2) });
    const over = run(newer.state, { type: 'transport', session: sessionId(EPOCH, 3), state: 'connected' });
    expect(over.effects).toContainEqual({ type: 'retire', session: first });
    expect(over.state.link).toMatchObject({ phase: 'connected', session: sessionId(EPOCH, 3) });
  });

  test('that has moved drops what was being made, and asks for another one', () => {
    const moved = run(connected.state, offer(2), { type: 'moved' });
    expect(moved.types).toContain('close');
    expect(moved.effects).toContainEqual(ask);
    expect(moved.state.link).toMatchObject({ phase: 'connected', session: first, replacement: null });
  });

  test('does not keep beside a new run what it had with the one before', () => {
    const later: Event = {
      type: 'sdp',
      message: { session: sessionId(EPOCH + 9, 1), seq: 1, type: 'offer', sdp: 'offer' },
    };
    const anew = run(connected.state, later);
    expect(anew.types).toEqual(['close', 'open', 'takeOffer', 'arm']);
    expect(anew.state.link.phase).toBe('connecting');
  });

  test('gives up when one after the other never carries anything', () => {
    let { state } = run(connected.state, silent);
    for (let count = 2; count < 30 && isLive(state.link); count++)
      ({ state } = run(state, offer(count), { type: 'timeout' }));
    expect(state.link).toMatchObject({ phase: 'ended', reason: 'failed' });
  });

  test('drops what a dead run of the vehicle had sent', () => {
    const { state } = run(initialState('answerer', 1), { type: 'presence', online: true, epoch: EPOCH + 1 });
    expect(run(state, offer(5)).types).toEqual(['drop']);
  });
});

test('session ids sort by age, across runs too', () => {
  const ids = [sessionId(EPOCH, 1), sessionId(EPOCH, 2), sessionId(EPOCH, 40), sessionId(EPOCH + 1, 1)];
  expect([...ids].sort()).toEqual(ids);
  expect(ids.map(sessionEpoch)).toEqual([EPOCH, EPOCH, EPOCH, EPOCH + 1]);
});

const messages = [
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'repeat' as const), pick: fc.nat() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 9_000 }) }),
  },
];
const who = fc.constantFrom('vehicle' as const, 'operator' as const);
const harmless = fc.oneof(...messages, {
  weight: 2,
  arbitrary: fc.record({
    do: fc.constantFrom('stall' as const, 'vanish' as const, 'reconnect' as const, 'move' as const),
    who,
  }),
});
const action = fc.oneof(
  ...messages,
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'crash' as const,
        'start' as const,
        'leave' as const,
        'stall' as const,
        'vanish' as const,
        'reconnect' as const,
        'move' as const,
      ),
      who,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'mend' as const, 'block' as const) }),
  },
);

describe('whatever is lost, doubled, late, out of order, crashed or restarted', () => {
  test('there are never more connections than the state says, and the end is connected or has a reason', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions: Action[]) => {
        const world = createWorld();
        world.start('vehicle');
        world.start('operator');
        for (const one of actions) {
          world.act(one);
          world.checkConnections();
        }
        world.settle();
        const { vehicle, operator } = world.ends();
        if (vehicle && operator) {
          expect([vehicle.link.phase, operator.link.phase]).toEqual(['connected', 'connected']);
          expect(isLive(vehicle.link) && vehicle.link.session).toBe(
            isLive(operator.link) && operator.link.session,
          );
        } else {
          const left = vehicle ?? operator;
          if (left) expect(['waiting', 'ended']).toContain(left.link.phase);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('where the path is there it never ends, whatever becomes of presence and of what is said over the broker', () => {
    fc.assert(
      fc.property(fc.array(harmless, { maxLength: 60 }), (actions: Action[]) => {
        const world = createWorld();
        world.start('vehicle');
        world.start('operator');
        world.settle();
        const links = () => Object.values(world.ends()).map((end) => end?.link);
        for (const one of actions) {
          world.act(one);
          for (const link of links()) expect(['connected', 'restoring']).toContain(link?.phase);
        }
        world.settle();
        expect(links().map((link) => link?.phase)).toEqual(['connected', 'connected']);
        expect(new Set(links().map((link) => link && isLive(link) && link.session)).size).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});
