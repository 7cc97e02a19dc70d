/** The thread of the simulated camera: renders, encodes and packs pictures at a steady rate while it runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEncoder, VIDEO_CLOCK_HZ } from '../encoder.ts';
import { createRtpPacketizer } from '../rtp.ts';
import { readPose } from './pose.ts';
import { createScene } from './scene.ts';
import type { VideoOrder, VideoPicture, VideoSettings } from './video.ts';

/** A forced key frame within this time of the one before waits, ms. */
const KEY_FRAME_GAP_MS = 100;

const settings = workerData as VideoSettings;
const interval = 1000 / settings.fps;
const scene = createScene(settings.width, settings.height);
const encoder = createEncoder(settings);
const packetizer = createRtpPacketizer();

let run = 0;
let timer: NodeJS.Timeout | undefined;
/** When the next picture is due, on `performance.now()`. */
let due = 0;
let keyFrameWanted = false;
let lastKeyFrame = Number.NEGATIVE_INFINITY;
let lastTime = 0;

parentPort?.on('message', (order: VideoOrder) => {
  if (order.type === 'start') start(order.run);
  else if (order.type === 'stop') stop();
  else if (order.type === 'keyFrame') requestKeyFrame();
  else if (order.type === 'bitrate') encoder.setBitrate(order.kbps);
  else close();
});

/** The first picture is a key frame and does not wait for a tick. */
function start(number: number): void {
  stop();
  run = number;
  keyFrameWanted = true;
  lastKeyFrame = Number.NEGATIVE_INFINITY;
  captureNow();
}

function stop(): void {
  clearTimeout(timer);
  timer = undefined;
}

/** The thread ends by itself when nothing is left to wait for. */
function close(): void {
  stop();
  encoder.close();
  parentPort?.close();
}

/** A viewer that joins gets its key frame at once; the ticks go on from there, so the rate stays. */
function requestKeyFrame(): void {
  keyFrameWanted = true;
  if (timer && keyFrameAllowed()) captureNow();
}

const keyFrameAllowed = () => performance.now() - lastKeyFrame >= KEY_FRAME_GAP_MS;

function captureNow(): void {
  clearTimeout(timer);
  due = performance.now();
  tick();
}

function tick(): void {
  // Before the work, so that a failure in it does not leave a timer, and its length does not matter.
  const now = performance.now();
  do due += interval;
  while (due <= now);
  timer = setTimeout(tick, due - now);
  capture(now);
}

function capture(now: number): void {
  const keyFrame = keyFrameWanted && keyFrameAllowed();
  if (keyFrame) {
    keyFrameWanted = false;
    lastKeyFrame = now;
  }
  lastTime = Math.max(lastTime + 1, Math.round((now * VIDEO_CLOCK_HZ) / 1000));
  scene.render(readPose(settings.pose), Date.now());
  for (const { data, time } of encoder.encode(scene.canvas.data(), lastTime, keyFrame)) {
    const picture: VideoPicture = { run, ...packetizer.packetize(data, time) };
    parentPort?.postMessage(picture, [picture.data]);
  }
}
