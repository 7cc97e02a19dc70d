/** The small interfaces that a vehicle is made of; a real car brings its own. */
import type { Gear } from '../shared/channels.ts';
import type { VssValues } from '../shared/vss.ts';

/** What the pedals, the wheel and the gear lever should be. */
export interface Actuation {
  /** −1…1, positive left. */
  steer: number;
  /** 0…1 */
  throttle: number;
  /** 0…1 */
  brake: number;
  gear: Gear;
}

/** What the vehicle is doing now. */
export interface Motion extends Actuation {
  /** m/s, negative in reverse. */
  speed: number;
  /** Everything else that the vehicle knows of itself. */
  values: VssValues;
}

/** An actuation that is not renewed counts no longer than this, ms; agents renew it every 20 ms. */
export const HOLD_MS = 500;

/** What moves. */
export interface Driver {
  /**
   * Applies an actuation until the next one, for {@link HOLD_MS} at most: a driver whose agent stands still
   * brakes by itself. Full brake until the first.
   */
  apply(actuation: Actuation): void;
  motion(): Motion;
  close(): void;
}

/** What sees, and turns it into video: a camera with its encoder. */
export interface VideoSource {
  /** Starts capturing and encoding; nothing is captured before, nor after `stop`. Both may be called again. */
  start(): void;
  stop(): void;
  /** The next frame will be a key frame. */
  requestKeyFrame(): void;
  /** Upper limit of the video's bit rate from the next frames on. */
  setBitrate(kbps: number): void;
  /** RTP packets of H.264 (RFC 6184, packetization-mode 1), 90 kHz clock, in order. Returns the undo. */
  onRtp(listener: (packet: Buffer) => void): () => void;
  close(): Promise<void>;
}
