import { EventEmitter, once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import type { Picture as FilmedPicture, VideoSource } from '../../vehicle/parts.ts';
import { createPoseBuffer, type Pose, writePose } from '../../vehicle/simulated/pose.ts';
import { createSimulatedVideo, type SimulatedVideoOptions } from '../../vehicle/simulated/video.ts';
import { START } from '../../vehicle/simulated/world.ts';
import {
  annexB,
  createDecoder,
  difference,
  IDR,
  type Picture,
  parseRtp,
  type RtpPacket,
  SPS,
  timecodeOf,
  unitsOf,
  unitTypes,
} from './h264.ts';

const STANDING: Pose = { ...START, steeringAngle: 0, speed: 0 };

interface Received extends Omit<FilmedPicture, 'packets'> {
  packets: RtpPacket[];
  units: Buffer[];
  types: number[];
}

/** A running source, and the pictures that it sends one after another. */
function setUp(options: Partial<SimulatedVideoOptions> = {}) {
  const pose = createPoseBuffer();
  writePose(pose, STANDING);
  const video = createSimulatedVideo({ pose, ...options });
  onTestFinished(() => video.close());
  return { pose, video, next: pictures(video) };
}

function pictures(video: VideoSource): () => Promise<Received> {
  const arrived = new EventEmitter();
  const waiting: Received[] = [];
  video.onPicture((picture) => {
    const packets = picture.packets.map(parseRtp);
    const units = unitsOf(packets.map(({ payload }) => payload));
    waiting.push({ ...picture, packets, units, types: unitTypes(units) });
    arrived.emit('picture');
  });
  return async () => {
    if (waiting.length === 0) await once(arrived, 'picture');
    return waiting.shift() as Received;
  };
}

test('nothing is encoded before start, and the first picture is a key frame', async () => {
  const { video, next } = setUp();
  video.requestKeyFrame();
  video.setBitrate(1000);
  video.start();
  const first = await next();
  expect(first.packets[0]?.sequence).toBe(0);
  expect(first.types).toContain(SPS);
  expect(first.types).toContain(IDR);
});

test('a steady stream: sequence without gaps, growing timestamps, no key frames that nobody asked for', async () => {
  const { video, next } = setUp();
  video.start();
  const received = [];
  for (let n = 0; n < 20; n++) received.push(await next());
  const sequences = received.flatMap((picture) => picture.packets.map((packet) => packet.sequence));
  expect(sequences).toEqual([...sequences.keys()]);
  const times = received.map((picture) => picture.packets[0]?.timestamp ?? 0);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  expect(received.filter((picture) => picture.types.includes(IDR))).toHaveLength(1);
});

test('a key frame comes when it is asked for', async () => {
  const { video, next } = setUp();
  video.start();
  await next();
  expect((await next()).types).not.toContain(IDR);
  video.requestKeyFrame();
  let picture = await next();
  while (!picture.types.includes(IDR)) picture = await next();
  expect(picture.types).toContain(SPS);
});

test('the pictures decode, show when they were taken, and change when the car moves', async () => {
  const { pose, video, next } = setUp();
  const decode = createDecoder();
  const picture = async () => decode(annexB((await next()).units)) as Picture;
  const before = Date.now();
  video.start();
  const first = await picture();
  expect(timecodeOf(first)).toBeGreaterThanOrEqual(before);
  expect(timecodeOf(first)).toBeLessThanOrEqual(Date.now());
  // A key frame is coarse, and gets finer with the next few.
  let settled = first;
  for (let n = 0; n < 10; n++) settled = await picture();
  let standing = settled;
  for (let n = 0; n < 5; n++) standing = await picture();
  writePose(pose, { ...STANDING, x: START.x + 5, heading: 0.3 });
  let moved = standing;
  for (let n = 0; n < 5; n++) moved = await picture();
  expect(difference(settled, standing)).toBeLessThan(2);
  expect(difference(standing, moved)).toBeGreaterThan(8);
});

test('after stop it can be started again, with a key frame first', async () => {
  const { video, next } = setUp();
  video.start();
  await next();
  video.stop();
  let late = 0;
  const undo = video.onPicture(() => late++);
  // Goes through the worker's queue behind the stop; what comes now belongs to the second start.
  video.start();
  expect(late).toBe(0);
  undo();
  expect((await next()).types).toContain(IDR);
});

test('a listener that was taken off hears nothing more', async () => {
  const { video, next } = setUp();
  let heard = 0;
  const undo = video.onPicture(() => heard++);
  undo();
  video.start();
  await next();
  expect(heard).toBe(0);
});

test('an encoder that cannot be opened is told once, in one sentence', async () => {
  const errors: Error[] = [];
  const failed = Promise.withResolvers<void>();
  const { video } = setUp({
    codec: 'h264_nothing',
    onError: (error) => {
      errors.push(error);
      failed.resolve();
    },
  });
  video.start();
  await failed.promise;
  await video.close();
  expect(errors.map((error) => error.message)).toEqual([
    expect.stringMatching(/^The simulated camera has stopped: There is no H.264 encoder h264_nothing; /),
  ]);
});

test('where there is little, pictures are fewer and smaller, begin with a key frame, and can be read', async () => {
  const { video, next } = setUp();
  const decode = createDecoder();
  const before = Date.now();
  video.start();
  await next();
  video.setBitrate(150);
  let received = await next();
  while (received.format.width === 640) received = await next();
  expect(received.format).toEqual({ width: 320, height: 240, fps: 15 });
  expect(received.keyFrame).toBe(true);
  expect(received.types).toContain(SPS);
  const picture = decode(annexB(received.units)) as Picture;
  expect(picture).toMatchObject({ width: 320, height: 240 });
  expect(timecodeOf(picture)).toBeGreaterThanOrEqual(before);
});

test('while held no picture is taken, and afterwards they come again', async () => {
  const { video, next } = setUp();
  const clock = setUp();
  video.start();
  await next();
  video.hold(true);
  clock.video.start();
  // What was on its way, at most.
  let taken = 0;
  const undo = video.onPicture(() => taken++);
  for (let n = 0; n < 15; n++) await clock.next();
  undo();
  expect(taken).toBeLessThan(3);
  video.hold(false);
  for (let n = 0; n <= taken; n++) await next();
});
