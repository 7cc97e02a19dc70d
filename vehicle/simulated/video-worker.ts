/** The thread of the simulated camera: renders, encodes and packs pictures at a steady rate while it runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEncoder, VIDEO_CLOCK_HZ } from '../encoder.ts';
import type { VideoFormat } from '../parts.ts';
import { createLadder } from '../rate/ladder.ts';
import { createRtpPacketizer } from '../rtp.ts';
import { readPose } from './pose.ts';
import { createScene } from './scene.ts';
import type { VideoOrder, VideoPicture, VideoSettings } from './video.ts';

/** A forced key frame within this time of the one before waits, ms. */
const KEY_FRAME_GAP_MS = 100;

const settings = workerData as VideoSettings;
const scene = createScene(settings.width, settings.height);
const ladder = createLadder(settings);
let { kbps } = settings;
let format = ladder.format(kbps, performance.now());
let encoder = createEncoder({ ...settings, ...format, source: settings });
const packetizer = createRtpPacketizer();

let run = 0;
let timer: NodeJS.Timeout | undefined;
/** When the next picture is due, on `performance.now()`. */
let due = 0;
let held = false;
/** A picture was due while held. */
let missed = false;
let keyFrameWanted = false;
let lastKeyFrame = Number.NEGATIVE_INFINITY;
let lastTime = 0;

parentPort?.on('message', (order: VideoOrder) => {
  if (order.type === 'start') start(order.run);
  else if (order.type === 'stop') stop();
  else if (order.type === 'keyFrame') requestKeyFrame();
  else if (order.type === 'bitrate') setRate(order.kbps);
  else if (order.type === 'hold') hold(order.on);
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

function setRate(next: number): void {
  kbps = next;
  encoder.setRate(kbps, format.fps);
}

/** A picture that was due while held is taken when the hold ends; the ticks go on, so the rate stays. */
function hold(on: boolean): void {
  held = on;
  if (on || !missed || !timer) return;
  missed = false;
  capture(performance.now());
}

/** Another size needs another encoder, whose first picture is a key frame. */
function follow(now: number): void {
  const next: VideoFormat = ladder.format(kbps, now);
  const { width, height, fps } = format;
  format = next;
  if (next.width !== width || next.height !== height) {
    encoder.close();
    encoder = createEncoder({ ...settings, ...next, kbps, source: settings });
    keyFrameWanted = true;
    lastKeyFrame = Number.NEGATIVE_INFINITY;
  } else if (next.fps !== fps) encoder.setRate(kbps, next.fps);
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
  do due += 1000 / format.fps;
  while (due <= now);
  timer = setTimeout(tick, due - now);
  missed = held;
  if (!held) capture(now);
}

function capture(now: number): void {
  follow(now);
  const wanted = keyFrameWanted && keyFrameAllowed();
  if (wanted) {
    keyFrameWanted = false;
    lastKeyFrame = now;
  }
  lastTime = Math.max(lastTime + 1, Math.round((now * VIDEO_CLOCK_HZ) / 1000));
  const capturedAt = Date.now();
  scene.render(readPose(settings.pose), capturedAt);
  for (const { data, time, keyFrame } of encoder.encode(scene.canvas.data(), lastTime, wanted)) {
    const picture: VideoPicture = {
      run,
      keyFrame,
      // The encoder keeps nothing back.
      capturedAt,
      format,
      reduced: ladder.reduced,
      ...packetizer.packetize(data, time),
    };
    parentPort?.postMessage(picture, [picture.data]);
  }
}
