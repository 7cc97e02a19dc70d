/** The small interfaces that a vehicle is made of; a real car brings its own. */
import type { Actuation, Hold } from '../shared/safety.ts';
import type { VssValues } from '../shared/vss.ts';

/** What the vehicle is doing now. */
export interface Motion extends Actuation {
  /** m/s, negative in reverse. */
  speed: number;
  /** Everything else that the vehicle knows of itself. */
  values: VssValues;
}

/** What moves. It stops by itself when nobody tells it anything: whatever has become of the agent. */
export interface Driver {
  /** Applies an actuation, for as long as it may. Full brake until the first. */
  apply(actuation: Actuation, hold: Hold): void;
  motion(): Motion;
  close(): void;
}

/** A picture as the encoder made it. */
export interface Picture {
  /** RTP packets of H.264 (RFC 6184, packetization-mode 1), 90 kHz clock, without extensions. */
  packets: Buffer[];
  keyFrame: boolean;
  /** When it was taken, ms since the epoch. */
  capturedAt: number;
  format: VideoFormat;
  /** Fewer or smaller pictures than without a limit of the bit rate. */
  reduced: boolean;
}

/** What the video is made like at present. */
export interface VideoFormat {
  /** Pixels. */
  width: number;
  height: number;
  /** Pictures a second. */
  fps: number;
}

/** What sees, and turns it into video: a camera with its encoder. */
export interface VideoSource {
  /** Starts capturing and encoding; nothing is captured before, nor after `stop`. Both may be called again. */
  start(): void;
  stop(): void;
  /** The next frame will be a key frame. */
  requestKeyFrame(): void;
  /** Upper limit of the video's bit rate from the next picture on; where that is little, size and frame rate follow. */
  setBitrate(kbps: number): void;
  /** While held no picture is taken; one that was due meanwhile is taken when the hold ends. */
  hold(on: boolean): void;
  /** Each picture, in order. Returns the undo. */
  onPicture(listener: (picture: Picture) => void): () => void;
  close(): Promise<void>;
}
