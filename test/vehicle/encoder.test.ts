import { describe, expect, onTestFinished, test } from 'vitest';
import { createEncoder, type EncoderOptions } from '../../vehicle/encoder.ts';
import { nalUnits } from '../../vehicle/rtp.ts';
import { createScene } from '../../vehicle/simulated/scene.ts';
import { beside, trackPoint } from '../../vehicle/simulated/track.ts';
import { createDecoder, difference, IDR, type Picture, SPS, timecodeOf, unitTypes } from './h264.ts';

const FPS = 30;
const scene = createScene(640, 480);

/** The car drives along the track, 2 m in three pictures, which is 20 m/s. */
function camera(number: number, captured = 0): Buffer {
  const at = trackPoint(Math.floor(number / 3));
  const next = trackPoint(Math.floor(number / 3) + 1);
  const part = (number % 3) / 3;
  const [a, b] = [beside(at, -1.75), beside(next, -1.75)];
  const turn = at.curvature * 2 * part;
  scene.render(
    {
      x: a.x + part * (b.x - a.x),
      y: a.y + part * (b.y - a.y),
      heading: at.heading + turn,
      steeringAngle: at.curvature,
      speed: 20,
    },
    captured,
  );
  return scene.canvas.data();
}

function setUp(options: Partial<EncoderOptions> = {}) {
  const encoder = createEncoder({ width: 640, height: 480, fps: FPS, ...options });
  onTestFinished(() => encoder.close());
  let number = 0;
  return {
    encoder,
    /** The next picture of the drive; every picture comes out at once. */
    encode(options: { key?: boolean; captured?: number } = {}): Buffer {
      const time = number * (90_000 / FPS);
      const pictures = encoder.encode(camera(number, options.captured), time, options.key ?? number === 0);
      number++;
      expect(pictures.map((picture) => picture.time)).toEqual([time]);
      return pictures[0]?.data ?? Buffer.alloc(0);
    },
  };
}

const types = (picture: Buffer) => unitTypes(nalUnits(picture));

describe.each([1500, 300])('at %d kbit/s', (kbps) => {
  test('the capture time can be read from every decoded picture', () => {
    const { encode } = setUp({ kbps });
    const decode = createDecoder();
    const now = Date.now();
    for (let n = 0; n < 60; n++) {
      const picture = decode(encode({ captured: now + n * 33 })) as Picture;
      expect(picture).toMatchObject({ width: 640, height: 480 });
      expect(timecodeOf(picture, now)).toBe(now + n * 33);
    }
  });
});

test('there are key frames when asked for, with parameter sets, and no others', () => {
  const { encode } = setUp();
  const keyFrames = Array.from({ length: 90 }, (_, n) => types(encode({ key: n === 0 || n === 40 })))
    .map((units, n) => (units.includes(IDR) && units.includes(SPS) ? n : -1))
    .filter((n) => n >= 0);
  expect(keyFrames).toEqual([0, 40]);
});

test('decoding can begin at any key frame', () => {
  const { encode } = setUp();
  for (let n = 0; n < 10; n++) encode();
  const decode = createDecoder();
  expect(decode(encode({ key: true, captured: 12345678 }))).not.toBeNull();
});

test('the bit rate changes while running, down and up again', () => {
  const { encoder, encode } = setUp({ kbps: 1500 });
  const kbps = (pictures: number) => {
    let bytes = 0;
    for (let n = 0; n < pictures; n++) bytes += encode().length;
    return (bytes * 8 * FPS) / pictures / 1000;
  };
  kbps(FPS);
  const before = kbps(2 * FPS);
  encoder.setRate(300, FPS);
  kbps(FPS);
  const lowered = kbps(2 * FPS);
  encoder.setRate(1500, FPS);
  kbps(FPS);
  const raised = kbps(2 * FPS);
  expect(before / 1500).toBeCloseTo(1, 0);
  expect(lowered).toBeLessThan(360);
  expect(raised / lowered).toBeGreaterThan(3);
});

test('the picture changes with the pose', () => {
  const { encode } = setUp();
  const decode = createDecoder();
  const first = decode(encode()) as Picture;
  let last = first;
  for (let n = 0; n < 15; n++) last = decode(encode()) as Picture;
  expect(difference(first, last)).toBeGreaterThan(3);
});

test('an encoder that is not there gives one clear sentence', () => {
  expect(() => setUp({ codec: 'h264_nothing' })).toThrow(
    /^There is no H.264 encoder h264_nothing; there are .*libx264/,
  );
  expect(() => setUp({ codec: 'libvpx' })).toThrow(/There is no H.264 encoder libvpx/);
});
