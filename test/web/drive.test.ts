import { beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../shared/clock.ts';
import type { Claim } from '../../shared/room-view.ts';
import { createDrive, type Wheel } from '../../web/console/drive.ts';
import { AT_REST, type Controls } from '../../web/console/inputs/controls.ts';

let claim: Claim;
let hands: Controls;
let said: string[];
let connected: boolean;
let unreachable: boolean;
let sees: boolean;
let stopped: boolean;
let tick: () => void;

const HELD: Claim = { state: 'held', lease: 1 };
const FORWARD: Controls = { steer: 0, throttle: 1, brake: 0 };

const wheel: Wheel = {
  claim: () => claim,
  connected: () => connected,
  sees: () => sees,
  stopped: () => stopped,
  request() {
    said.push('request');
    claim = { state: 'asked' };
  },
  release() {
    if (claim.state === 'held' || claim.state === 'asked') said.push('release');
    claim = { state: 'none' };
  },
  handOver() {
    said.push('hand over');
  },
  estop() {
    said.push('estop');
    return !unreachable;
  },
  reset() {
    said.push('reset');
  },
  command(wanted) {
    if (claim.state !== 'held') return false;
    said.push(`throttle ${wanted.throttle} brake ${wanted.brake} ${wanted.gear}`);
    return true;
  },
};

const clock: Clock = {
  now: () => 0,
  after: () => () => {},
  every(_ms, callback) {
    tick = callback;
    return () => {
      tick = () => {};
    };
  },
};

const input = {
  read: () => hands,
  reset() {
    hands = AT_REST;
  },
};

let drive: ReturnType<typeof createDrive>;

beforeEach(() => {
  claim = { state: 'none' };
  hands = AT_REST;
  said = [];
  connected = true;
  unreachable = false;
  sees = true;
  stopped = false;
  drive = createDrive(wheel, [input], clock);
});

describe('the lease', () => {
  test('nothing is asked for or sent while the hands rest', () => {
    tick();
    expect(said).toEqual([]);
  });

  test('the first drive input asks for it, once', () => {
    hands = FORWARD;
    tick();
    tick();
    expect(said).toEqual(['request']);
  });

  test('commands go out only while it is held, also when the hands rest', () => {
    claim = HELD;
    tick();
    hands = FORWARD;
    tick();
    expect(said).toEqual(['throttle 0 brake 0 D', 'throttle 1 brake 0 D']);
  });

  test('after a denial a key that is still held does not ask again; a new one does', () => {
    hands = FORWARD;
    tick();
    claim = { state: 'denied', reason: 'op-1 is driving' };
    tick();
    expect(said).toEqual(['request']);
    hands = AT_REST;
    tick();
    hands = FORWARD;
    tick();
    expect(said).toEqual(['request', 'request']);
  });

  test('after a revocation a key that is still held does not take it back', () => {
    claim = HELD;
    tick();
    hands = FORWARD;
    tick();
    claim = { state: 'revoked', reason: 'the owner wants it' };
    tick();
    expect(said).not.toContain('request');
  });
});

describe('letting go', () => {
  test('sends neutral at once, releases, and then sends nothing more', () => {
    claim = HELD;
    hands = FORWARD;
    tick();
    said = [];
    drive.letGo('the window is gone');
    tick();
    tick();
    expect(said).toEqual(['throttle 0 brake 0 D', 'release']);
    expect(drive.letGoBecause.value).toBe('the window is gone');
  });

  test('of nothing changes nothing', () => {
    drive.letGo('the window is gone');
    expect(said).toEqual([]);
    expect(drive.letGoBecause.value).toBeNull();
  });
});

describe('stop', () => {
  test('is the emergency stop, with the driver’s full brake, repeated since the channel is lossy', () => {
    claim = HELD;
    drive.stop();
    expect(new Set(said.slice(0, -1))).toEqual(new Set(['throttle 0 brake 1 D']));
    expect(said.length).toBeGreaterThan(2);
    expect(said.at(-1)).toBe('estop');
  });

  test('hands that stay on the controls do not drive on', () => {
    claim = HELD;
    hands = FORWARD;
    drive.stop();
    hands = FORWARD;
    said = [];
    tick();
    expect(said).toEqual(['throttle 0 brake 0 D']);
    hands = AT_REST;
    tick();
    hands = FORWARD;
    tick();
    expect(said.at(-1)).toBe('throttle 1 brake 0 D');
  });

  test('is there for who does not drive too', () => {
    drive.stop();
    expect(said).toEqual(['estop']);
    expect(drive.letGoBecause.value).toBeNull();
  });

  test('that could not be sent says so', () => {
    unreachable = true;
    drive.stop();
    expect(drive.letGoBecause.value).toContain('has not reached the car');
  });
});

describe('a picture that stands still', () => {
  test('leaves steering and brake, and the throttle only when it moves and has been released', () => {
    claim = HELD;
    hands = { ...FORWARD, brake: 0.5 };
    tick();
    sees = false;
    tick();
    expect(drive.heldBack.value).toContain('The picture stands still');
    sees = true;
    tick();
    expect(said).toEqual(['throttle 1 brake 0.5 D', 'throttle 0 brake 0.5 D', 'throttle 0 brake 0.5 D']);
    hands = AT_REST;
    tick();
    hands = FORWARD;
    tick();
    expect(said.at(-1)).toBe('throttle 1 brake 0 D');
  });
});

describe('a car that has stopped by itself', () => {
  test('waits for the throttle to be released', () => {
    claim = HELD;
    hands = FORWARD;
    tick();
    stopped = true;
    tick();
    stopped = false;
    tick();
    expect(drive.heldBack.value).toContain('stopped by itself');
    expect(said).toEqual(['throttle 1 brake 0 D', 'throttle 0 brake 0 D', 'throttle 0 brake 0 D']);
    hands = AT_REST;
    tick();
    hands = FORWARD;
    tick();
    expect(drive.heldBack.value).toBeNull();
    expect(said.at(-1)).toBe('throttle 1 brake 0 D');
  });
});

describe('an interruption', () => {
  test('leaves steering and brake to the hands, and the throttle only when it has been released once', () => {
    claim = HELD;
    hands = FORWARD;
    tick();
    connected = false;
    tick();
    connected = true;
    said = [];
    tick();
    expect(said).toEqual(['throttle 0 brake 0 D']);
    expect(drive.heldBack.value).toContain('Let go of the throttle');
    hands = { ...FORWARD, throttle: 0, brake: 1 };
    tick();
    hands = FORWARD;
    tick();
    expect(said.slice(1)).toEqual(['throttle 0 brake 1 D', 'throttle 1 brake 0 D']);
    expect(drive.heldBack.value).toBeNull();
  });

  test('that leads to a session without the lease asks hands to let go and press again', () => {
    claim = HELD;
    hands = FORWARD;
    tick();
    claim = { state: 'none' };
    said = [];
    tick();
    expect(said).toEqual([]);
    expect(drive.heldBack.value).toContain('press it again');
    // The Drive button gives the lease, and still nothing moves that nobody has pressed anew.
    claim = HELD;
    tick();
    expect(said).toEqual(['throttle 0 brake 0 D']);
    hands = AT_REST;
    tick();
    expect(drive.heldBack.value).toBeNull();
    hands = FORWARD;
    tick();
    expect(said.at(-1)).toBe('throttle 1 brake 0 D');
  });

  test('that nobody drove through changes nothing', () => {
    claim = HELD;
    connected = false;
    tick();
    connected = true;
    hands = FORWARD;
    tick();
    expect(said.at(-1)).toBe('throttle 1 brake 0 D');
  });
});

test('the chosen gear goes with every command', () => {
  claim = HELD;
  drive.shift('R');
  tick();
  expect(said).toEqual(['throttle 0 brake 0 R']);
});
