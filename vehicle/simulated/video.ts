/** The simulated car's camera and encoder as a video source; both run in a thread of their own. */
import { Worker } from 'node:worker_threads';
import type { Picture, VideoFormat, VideoSource } from '../parts.ts';
import type { PictureRtp } from '../rtp.ts';

export interface SimulatedVideoOptions {
  /** Where the car is: `pose` of the simulated driver. */
  pose: SharedArrayBuffer;
  /** Pictures a second, default 30. */
  fps?: number;
  /** Bit rate to begin with, kbit/s, default 1500. */
  kbps?: number;
  /** Pixels, even, default 640×480. */
  width?: number;
  height?: number;
  /** FFmpeg's name of the H.264 encoder, default libx264. */
  codec?: string;
  /** Called once when the camera's thread has failed; no pictures come any more. */
  onError?: (error: Error) => void;
}

/** What the worker is started with. */
export interface VideoSettings {
  pose: SharedArrayBuffer;
  fps: number;
  kbps: number;
  width: number;
  height: number;
  codec: string;
}

/** To the worker. A run is what lies between start and stop. */
export type VideoOrder =
  | { type: 'start'; run: number }
  | { type: 'stop' }
  | { type: 'keyFrame' }
  | { type: 'bitrate'; kbps: number }
  | { type: 'hold'; on: boolean }
  | { type: 'close' };

/** From the worker: the packets of one picture. */
export interface VideoPicture extends PictureRtp {
  run: number;
  keyFrame: boolean;
  capturedAt: number;
  format: VideoFormat;
  reduced: boolean;
}

/** Opens the encoder right away, so that the first picture comes at once when it is wanted. */
export function createSimulatedVideo(options: SimulatedVideoOptions): VideoSource {
  const { pose, fps = 30, kbps = 1500, width = 640, height = 480, codec = 'libx264' } = options;
  const settings: VideoSettings = { pose, fps, kbps, width, height, codec };
  const worker = new Worker(new URL('./video-worker.ts', import.meta.url), {
    workerData: settings,
    // Each picture's 1.2 MB of pixels is garbage at once. With a small young generation it is found soon
    // and cheaply, instead of by full collections (measured: a third of them, CPU 30 % → 24 %).
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const listeners = new Set<(picture: Picture) => void>();
  let run = 0;
  let running = false;
  let over = false;

  const order = (message: VideoOrder) => worker.postMessage(message);

  function fail(reason: string): void {
    if (over) return;
    over = true;
    const error = new Error(`The simulated camera has stopped: ${reason}`);
    if (options.onError) options.onError(error);
    else console.error(error.message);
  }

  worker.on('message', ({ run: of, data, lengths, ...about }: VideoPicture) => {
    // What was on its way when stop was called is not sent any more.
    if (!running || of !== run) return;
    let from = 0;
    const packets = lengths.map((length) => {
      const packet = Buffer.from(data, from, length);
      from += length;
      return packet;
    });
    for (const listener of listeners) listener({ ...about, packets });
  });
  worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => fail(`its thread ended with code ${code}.`));

  return {
    start() {
      if (running) return;
      running = true;
      run++;
      order({ type: 'start', run });
    },
    stop() {
      if (!running) return;
      running = false;
      order({ type: 'stop' });
    },
    requestKeyFrame: () => order({ type: 'keyFrame' }),
    setBitrate: (limit) => order({ type: 'bitrate', kbps: limit }),
    hold: (on) => order({ type: 'hold', on }),
    onPicture(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      over = true;
      running = false;
      listeners.clear();
      // Not `terminate`: in the middle of loading a native module that ends the whole process.
      order({ type: 'close' });
      await ended;
    },
  };
}
