import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAudience } from '../../vehicle/audience.ts';
import type { Picture, VideoSource } from '../../vehicle/parts.ts';
import type { VideoPeer } from '../../vehicle/webrtc/peer.ts';

const PICTURE: Picture = {
  packets: [],
  keyFrame: false,
  capturedAt: 0,
  format: { width: 640, height: 480, fps: 30 },
  reduced: false,
};

/** An encoder that notes what it is told, and viewers whose paths carry what they are given. */
function setUp(ceiling = 4_000) {
  const told: string[] = [];
  let film: (picture: Picture) => void = () => {};
  const video = {
    start: () => told.push('start'),
    stop: () => told.push('stop'),
    requestKeyFrame: () => told.push('key frame'),
    setBitrate: (kbps: number) => told.push(`${kbps} kbit/s`),
    hold: (on: boolean) => told.push(on ? 'hold' : 'go on'),
    onPicture(listener: (picture: Picture) => void) {
      film = listener;
      return () => {};
    },
    close: () => Promise.resolve(),
  } satisfies VideoSource;
  const audience = createAudience(video, ceiling);
  const viewer = (kbps: number) => {
    const sender = {
      kbps,
      holding: false,
      ceiling: 0,
      sent: 0,
      send: () => sender.sent++,
      setCeiling: (most: number) => {
        sender.ceiling = most;
      },
      close: () => {},
    };
    return { sender, peer: { video: () => sender } as unknown as VideoPeer };
  };
  return { audience, viewer, film: () => film(PICTURE), told: () => told.splice(0) };
}

test('the camera runs while somebody watches, and every viewer gets every picture', () => {
  const { audience, viewer, film, told } = setUp();
  const [first, second] = [viewer(900), viewer(2_000)];
  audience.join('op-1', first.peer);
  expect(told()).toEqual(['900 kbit/s', 'start']);
  audience.join('op-2', second.peer);
  expect(told()).toEqual(['key frame']);
  film();
  expect([first.sender.sent, second.sender.sent]).toEqual([1, 1]);
  audience.leave(first.peer);
  expect(told()).toEqual(['2000 kbit/s']);
  audience.leave(second.peer);
  expect(told()).toEqual(['stop']);
});

test('the encoder follows the slowest, until somebody drives: then that one’s path', () => {
  const { audience, viewer, told } = setUp();
  const [slow, fast] = [viewer(400), viewer(3_000)];
  audience.join('op-slow', slow.peer);
  audience.join('op-fast', fast.peer);
  told();
  audience.setDriver('op-fast');
  expect(told()).toEqual(['3000 kbit/s']);
  slow.sender.holding = true;
  audience.update();
  expect(told()).toEqual([]);
  fast.sender.holding = true;
  fast.sender.kbps = 1_000;
  audience.update();
  expect(told()).toEqual(['1000 kbit/s', 'hold']);
  audience.setDriver(null);
  expect(told()).toEqual(['400 kbit/s']);
});

test('a limit lowers the ceiling of those who watch and of those who come, and can be taken back', () => {
  const { audience, viewer } = setUp(2_000);
  const [first, second] = [viewer(900), viewer(900)];
  audience.join('op-1', first.peer);
  expect(first.sender.ceiling).toBe(2_000);
  audience.limit(500);
  audience.join('op-2', second.peer);
  expect([first.sender.ceiling, second.sender.ceiling]).toEqual([500, 500]);
  audience.limit(9_000);
  expect(first.sender.ceiling).toBe(2_000);
  audience.limit(null);
  expect(second.sender.ceiling).toBe(2_000);
});

test('a peer of a session that was replaced takes nothing with it when it is closed', () => {
  const { audience, viewer, told } = setUp();
  const [old, current] = [viewer(900), viewer(900)];
  audience.join('op-1', old.peer);
  audience.join('op-1', current.peer);
  told();
  audience.leave(old.peer);
  expect(told()).toEqual([]);
});

test('a peer that was to take over and did not leaves its operator to the one before, with a key frame', () => {
  const { audience, viewer, told } = setUp();
  const [serving, replacement] = [viewer(900), viewer(400)];
  audience.join('op-1', serving.peer);
  audience.join('op-1', replacement.peer);
  told();
  audience.leave(replacement.peer);
  expect(told()).toEqual(['900 kbit/s', 'key frame']);
});

describe('key frames that are asked for', () => {
  const frames = (told: string[]) => told.filter((what) => what === 'key frame').length;
  function watched() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const all = setUp();
    for (const name of ['op-1', 'op-2']) all.audience.join(name, all.viewer(900).peer);
    vi.advanceTimersByTime(5_000);
    all.told();
    return all;
  }

  test('come at once, and then one in 100 ms for all together', () => {
    const { audience, told } = watched();
    audience.keyFrameWanted('op-1');
    expect(frames(told())).toBe(1);
    audience.keyFrameWanted('op-2');
    audience.keyFrameWanted('op-1');
    expect(frames(told())).toBe(0);
    vi.advanceTimersByTime(100);
    expect(frames(told())).toBe(1);
    vi.advanceTimersByTime(5_000);
    expect(frames(told())).toBe(0);
  });

  test('while somebody drives, those who watch get one in 2 s, and the driver’s come at once', () => {
    const { audience, told } = watched();
    audience.setDriver('op-1');
    let served = 0;
    for (let ms = 0; ms < 10_000; ms += 50) {
      audience.keyFrameWanted('op-2');
      vi.advanceTimersByTime(50);
      served += frames(told());
    }
    expect(served).toBeGreaterThan(3);
    expect(served).toBeLessThanOrEqual(6);
    vi.advanceTimersByTime(2_000);
    told();
    audience.keyFrameWanted('op-2');
    expect(frames(told())).toBe(1);
    audience.keyFrameWanted('op-2');
    vi.advanceTimersByTime(100);
    audience.keyFrameWanted('op-1');
    expect(frames(told())).toBe(1);
    // That one serves who watches, too.
    vi.advanceTimersByTime(5_000);
    expect(frames(told())).toBe(0);
  });
});
