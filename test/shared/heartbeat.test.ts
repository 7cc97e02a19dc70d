import { describe, expect, test } from 'vitest';
import { BEAT_MS, createHeartbeat, QUIET_MS, SILENCE_MS } from '../../shared/heartbeat.ts';
import { manualClock } from '../helpers/clock.ts';

function heartbeat() {
  const time = manualClock();
  const happened = { beats: 0, quiet: 0, sound: 0, silent: 0 };
  const heart = createHeartbeat({
    beat: () => void happened.beats++,
    onQuiet: () => void happened.quiet++,
    onSound: () => void happened.sound++,
    onSilence: () => void happened.silent++,
    clock: time.clock,
  });
  return { ...time, heart, happened };
}

describe('an end of a session', () => {
  test('beats while it says nothing, and not while it does', () => {
    const { heart, happened, pass } = heartbeat();
    pass(3_000);
    expect(happened.beats).toBeGreaterThanOrEqual(15);
    expect(happened.beats).toBeLessThanOrEqual(21);
    happened.beats = 0;
    for (let said = 0; said < 60; said++) {
      heart.said();
      pass(50);
    }
    expect(happened.beats).toBe(0);
  });

  test('asks what is still there before it takes the silence for the end, and again while that lasts', () => {
    const { heart, happened, pass } = heartbeat();
    pass(QUIET_MS - 50);
    expect(happened).toMatchObject({ quiet: 0, silent: 0 });
    pass(100);
    expect(happened).toMatchObject({ quiet: 1, silent: 0 });
    pass(SILENCE_MS - QUIET_MS);
    expect(happened).toMatchObject({ quiet: 1 });
    expect(happened.silent).toBeGreaterThan(0);
    pass(2_000);
    expect(happened.quiet).toBeGreaterThanOrEqual(4);
    expect(happened.sound).toBe(0);
    heart.heard();
    heart.heard();
    expect(happened.sound).toBe(1);
  });

  test('takes everything that it hears for life', () => {
    const { heart, happened, pass } = heartbeat();
    for (let heard = 0; heard < 20; heard++) {
      pass(QUIET_MS - 50);
      heart.heard();
    }
    expect(happened).toMatchObject({ quiet: 0, silent: 0 });
  });

  test('that stood still itself does not take that for silence', () => {
    const { heart, happened, pass, freeze } = heartbeat();
    freeze(10_000);
    pass(100);
    expect(happened).toMatchObject({ quiet: 0, silent: 0 });
    // A hidden tab: one look a second, and something comes now and then.
    for (let second = 0; second < 30; second++) {
      freeze(950);
      pass(50);
      if (second % 2 === 0) heart.heard();
    }
    expect(happened.silent).toBe(0);
  });

  test('whose timers hardly run is heard of when it hears', () => {
    const { heart, happened, freeze } = heartbeat();
    for (let heard = 0; heard < 20; heard++) {
      freeze(50);
      heart.heard();
    }
    // A beat was due every third time.
    expect(happened.beats).toBeGreaterThanOrEqual(Math.floor((20 * 50) / BEAT_MS));
  });
});
