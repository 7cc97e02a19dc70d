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
    { type: 'described', session: sessionId(EPOCH, 1), seq: 1, sdp: 'offer' },
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
  const silent: Event = { type: 'transport', session, state: 'silent' };
  const gone: Event = { type: 'presence', online: false, epoch: null };
  const restartOffer: Event = { type: 'described', session, seq: 2, sdp: 'restart' };
  const restartAnswer: Event = { type: 'sdp', message: { session, seq: 2, type: 'answer', sdp: 'again' } };

  test('keeps a connected session when presence goes, and ends it when nothing is heard either', () => {
    const alone = run(connected.state, gone);
    expect(alone.state.link.phase).toBe('connected');
    const lost = run(alone.state, silent, { type: 'timeout' });
    expect(lost.state.link.phase).toBe('waiting');
    expect(lost.types).toContain('close');
  });

  test('restarts when nothing is heard, and keeps the session through a reconnect to the broker', () => {
    const restoring = run(connected.state, silent, restartOffer);
    expect(restoring.types).toEqual(['makeOffer', 'arm', 'sendSdp']);
    const back = run(restoring.state, gone, { type: 'presence', online: true, epoch: 7 });
    expect(back.state.link).toMatchObject({ phase: 'restoring', session, seq: 2 });
    // What was sent to the connection that is gone is sent again.
    expect(back.effects).toContainEqual({
      type: 'sendSdp',
      body: { session, seq: 2, type: 'offer', sdp: 'restart' },
    });
  });

  test('is connected again by whatever it hears first, and finishes the restart all the same', () => {
    const back = run(connected.state, silent, restartOffer, {
      type: 'transport',
      session,
      state: 'connected',
    });
    expect(back.state.link).toMatchObject({ phase: 'connected', session, seq: 2, answered: false });
    expect(run(back.state, { type: 'timeout' }).types).toEqual(['sendSdp', 'arm']);
    const done = run(back.state, restartAnswer);
    expect(done.types).toContain('takeAnswer');
    expect(done.state.link).toMatchObject({ phase: 'connected', answered: true });
    // Silence a moment later is no reason for another: this one may still find a path. Later it is.
    expect(run(done.state, silent).types).toEqual(['arm']);
    expect(run(done.state, { type: 'timeout' }, silent).types).toContain('makeOffer');
  });

  test('begins a new session at once when the interrupted one can not go on, at either end', () => {
    const { state } = run(connected.state, silent, restartOffer);
    const failed: Event = { type: 'transport', session, state: 'failed' };
    const bye: Event = { type: 'bye', message: { session, reason: 'failed' } };
    for (const end of [failed, bye]) {
      const anew = run(state, end);
      expect(anew.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
      expect(anew.state.link).toMatchObject({ phase: 'connecting', session: sessionId(EPOCH, 2) });
    }
  });

  test('gives a restart that both know of four waits, and then begins a new session', () => {
    let { state } = run(connected.state, silent, restartOffer, restartAnswer);
    for (let second = 1; second <= PATH_TRIES; second++) {
      ({ state } = run(state, { type: 'timeout' }));
      expect(state.link).toMatchObject({ phase: 'restoring', session });
    }
    const anew = run(state, { type: 'timeout' });
    expect(anew.types).toEqual(['close', 'open', 'makeOffer', 'arm']);
    expect(anew.state.link).toMatchObject({ phase: 'connecting', session: sessionId(EPOCH, 2) });
  });

  test('that has moved restarts while the old path serves on, once, and sends it again when the broker is back', () => {
    const moved = run(connected.state, { type: 'moved' }, restartOffer);
    expect(moved.types).toEqual(['makeOffer', 'arm', 'sendSdp']);
    expect(moved.state.link).toMatchObject({ phase: 'connected', seq: 2, answered: false });
    const lost = run(moved.state, silent);
    expect(lost.types).toEqual(['sendSdp', 'arm']);
    expect(lost.state.link).toMatchObject({ phase: 'restoring', seq: 2 });
    expect(run(lost.state, { type: 'signalling' }).types).toEqual(['sendSdp']);
  });

  test('whose restart has waited for the broker begins it anew, with what can be gathered now', () => {
    const waited = run(connected.state, silent, restartOffer, { type: 'timeout' });
    const again = run(waited.state, { type: 'signalling' });
    expect(again.effects).toContainEqual({ type: 'makeOffer', session, seq: 3, restart: true });
    expect(again.state.link).toMatchObject({ phase: 'restoring', seq: 3 });
    // The old path came back before the broker did.
    const heard = run(waited.state, { type: 'transport', session, state: 'connected' });
    const serving = run(heard.state, { type: 'signalling' });
    expect(serving.effects).toContainEqual({ type: 'makeOffer', session, seq: 3, restart: true });
    expect(serving.state.link).toMatchObject({ phase: 'connected', seq: 3 });
  });

  test('answers who asks for a restart that is under way with its offer, and does not begin another', () => {
    const { state } = run(connected.state, silent, restartOffer);
    const asked = run(state, { type: 'sdp', message: { session, seq: 1, type: 'restart' } });
    expect(asked.types).toEqual(['sendSdp']);
    expect(run(state, { type: 'signalling' }).types).toEqual(['sendSdp']);
    const answered = run(state, restartAnswer, {
      type: 'sdp',
      message: { session, seq: 2, type: 'restart' },
    });
    expect(answered.types).not.toContain('makeOffer');
  });
});

describe('the answerer', () => {
  const offer = (count: number, seq = 1): Event => ({
    type: 'sdp',
    message: { session: sessionId(EPOCH, count), seq, type: 'offer', sdp: 'offer' },
  });

  test('drops an older session and an older offer, and answers a repeated one again', () => {
    const described: Event = { type: 'described', session: sessionId(EPOCH, 2), seq: 3, sdp: 'answer' };
    const { state } = run(initialState('answerer', 1), offer(2, 3), described);
    expect(run(state, offer(1)).types).toEqual(['drop']);
    expect(run(state, offer(2, 2)).types).toEqual(['drop']);
    expect(run(state, offer(2, 3)).effects).toMatchObject([
      { type: 'sendSdp', body: { type: 'answer', seq: 3 } },
    ]);
  });

  test('tells an offerer that repeats an ended session that it is over', () => {
    const { state } = run(initialState('answerer', 1), offer(1), {
      type: 'transport',
      session: sessionId(EPOCH, 1),
      state: 'failed',
    });
    expect(run(state, offer(1)).effects).toMatchObject([{ type: 'sendBye', body: { reason: 'failed' } }]);
  });

  test('asks for a restart when nothing is heard, again when the broker is back, and not while it hears', () => {
    const { state } = run(
      initialState('answerer', 1),
      { type: 'presence', online: true, epoch: EPOCH },
      offer(1),
      { type: 'transport', session: sessionId(EPOCH, 1), state: 'connected' },
    );
    // The vehicle hears nothing, this end does: it answers, and the old path serves until the new one does.
    expect(run(state, offer(1, 2)).state.link).toMatchObject({ phase: 'connected', seq: 2 });
    expect(run(state, { type: 'signalling' }).types).toEqual([]);
    const silent = run(state, { type: 'transport', session: sessionId(EPOCH, 1), state: 'silent' });
    const ask = { type: 'sendSdp', body: { session: sessionId(EPOCH, 1), seq: 1, type: 'restart' } };
    expect(silent.effects).toContainEqual(ask);
    expect(run(silent.state, { type: 'signalling' }).effects).toEqual([ask]);
  });

  test('gives a path up that is restarted again and again and never carries anything', () => {
    let { state } = run(
      initialState('answerer', 1),
      { type: 'presence', online: true, epoch: EPOCH },
      offer(1),
      {
        type: 'transport',
        session: sessionId(EPOCH, 1),
        state: 'connected',
      },
    );
    ({ state } = run(state, { type: 'transport', session: sessionId(EPOCH, 1), state: 'silent' }));
    for (let seq = 2; seq < 20 && isLive(state.link); seq++)
      ({ state } = run(state, offer(1, seq), { type: 'timeout' }));
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
  test('there is never more than one live session in one end, and the end is connected or has a reason', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions: Action[]) => {
        const world = createWorld();
        world.start('vehicle');
        world.start('operator');
        for (const one of actions) {
          world.act(one);
          world.checkOnePeerEach();
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

  test('a session whose path is there is kept, whatever becomes of presence and of what is said over the broker', () => {
    fc.assert(
      fc.property(fc.array(harmless, { maxLength: 60 }), (actions: Action[]) => {
        const world = createWorld();
        world.start('vehicle');
        world.start('operator');
        world.settle();
        const sessions = () =>
          Object.values(world.ends()).map((end) => end && isLive(end.link) && end.link.session);
        const before = sessions();
        for (const one of actions) world.act(one);
        world.settle();
        expect(sessions()).toEqual(before);
        expect(Object.values(world.ends()).map((end) => end?.link.phase)).toEqual(['connected', 'connected']);
      }),
      { numRuns: 500 },
    );
  });
});
