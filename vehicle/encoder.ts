/**
 * H.264 encoding for driving: each picture goes in and comes out at once, key frames only on demand,
 * and a bit rate that can be changed while running.
 *
 * Uses node-av's low-level API, since its high-level `Encoder` clears a frame's picture type and so
 * cannot make a key frame when one is asked for.
 */
import {
  Codec,
  CodecContext,
  FFmpegError,
  Frame,
  Log,
  Packet,
  Rational,
  SoftwareScaleContext,
} from 'node-av';
import {
  AV_CODEC_ID_H264,
  AV_LOG_ERROR,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  AV_PKT_FLAG_KEY,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  type AVPixelFormat,
  SWS_FAST_BILINEAR,
  SWS_POINT,
} from 'node-av/constants';

/** Clock of RTP video, Hz; RFC 6184, section 8.2.1. */
export const VIDEO_CLOCK_HZ = 90_000;
export const DEFAULT_KBPS = 1500;
export const DEFAULT_CODEC = 'libx264';
/** Below this, nothing can be seen any more, kbit/s. */
const LEAST_KBPS = 50;
/**
 * How much of the bit rate the rate control may have in hand, s, and at least, bits. It bounds a key frame,
 * and with it how long that takes on a path of just this rate: two pictures' worth, where 0.25 s give three and
 * a half. Less than the least, and there is not even room for what says that nothing has changed.
 */
const BUFFER_SECONDS = 0.07;
const LEAST_BUFFER = 20_000;
/** So short a buffer makes libx264 stay below its rate, by 19 % at 4 Mbit/s and by 27 % at 0.4. */
const ASKED = 1.2;
/** Pictures between key frames that nobody asked for: hours. */
const ENDLESS_GOP = 1_000_000;
/** A second thread gains nothing at 640×480: 1.3 ms a picture either way on two cores, conversion included. */
const THREADS = 1;

/** What makes each encoder answer at once and honour a forced key frame. */
const CODEC_OPTIONS: Readonly<Record<string, Record<string, string>>> = {
  libx264: {
    preset: 'ultrafast',
    tune: 'zerolatency',
    profile: 'baseline',
    'forced-idr': '1',
    'x264-params': 'repeat-headers=1:scenecut=0',
  },
  h264_nvenc: { preset: 'p1', tune: 'ull', zerolatency: '1', delay: '0', rc: 'cbr', 'forced-idr': '1' },
  h264_qsv: { preset: 'veryfast', async_depth: '1', forced_idr: '1' },
  h264_amf: { usage: 'ultralowlatency', forced_idr: '1' },
  h264_videotoolbox: { realtime: '1', prio_speed: '1' },
};

export interface EncoderOptions {
  /** Of the encoded picture, pixels, even. */
  width: number;
  height: number;
  /** Of the pictures that come, if they have another size. */
  source?: { width: number; height: number };
  /** Pictures a second that will come, for the rate control. */
  fps: number;
  /** Default {@link DEFAULT_KBPS}. */
  kbps?: number;
  /** FFmpeg's name of an H.264 encoder that takes pictures from memory; default {@link DEFAULT_CODEC}. */
  codec?: string;
}

export interface EncodedPicture {
  data: Buffer;
  keyFrame: boolean;
  /** Its time of capture, in 1/{@link VIDEO_CLOCK_HZ} s. */
  time: number;
}

export interface H264Encoder {
  /**
   * Encodes one picture.
   * @param rgba 4 bytes for each pixel of the source
   * @param time of capture, in 1/{@link VIDEO_CLOCK_HZ} s, greater than that of the picture before
   * @param keyFrame makes it an IDR picture with its parameter sets
   * @returns what comes out, in Annex B: this picture, or nothing or an older one with an encoder that delays
   */
  encode(rgba: Buffer, time: number, keyFrame: boolean): EncodedPicture[];
  /** From the next picture on. @param kbps kbit/s @param fps pictures that will come in a second */
  setRate(kbps: number, fps: number): void;
  close(): void;
}

/** @throws Error with one sentence when the encoder does not exist or cannot be opened here */
export function createEncoder(options: EncoderOptions): H264Encoder {
  Log.setLevel(AV_LOG_ERROR);
  const { width, height, fps: openFps } = options;
  const source = options.source ?? { width, height };
  const name = options.codec ?? DEFAULT_CODEC;
  const codec = findCodec(name);
  const pixelFormat = pixelFormatOf(codec, name);
  const context = openCodec(codec, name, pixelFormat, options);

  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = pixelFormat;
  FFmpegError.throwIfError(frame.allocBuffer(), 'picture memory');
  const converter = new SoftwareScaleContext();
  const scaling = source.width === width && source.height === height ? SWS_POINT : SWS_FAST_BILINEAR;
  converter.getContext(source.width, source.height, AV_PIX_FMT_RGBA, width, height, pixelFormat, scaling);
  const packet = new Packet();
  packet.alloc();

  return {
    encode(rgba, time, keyFrame) {
      // An encoder may still hold the picture before; then this gives the frame new memory.
      FFmpegError.throwIfError(frame.makeWritable(), 'picture memory');
      converter.scaleSync(
        [rgba],
        [source.width * 4],
        0,
        source.height,
        frame.data as Buffer[],
        frame.linesize,
      );
      frame.pts = BigInt(time);
      frame.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
      FFmpegError.throwIfError(context.sendFrameSync(frame), 'encoding');
      const pictures: EncodedPicture[] = [];
      while (context.receivePacketSync(packet) >= 0) {
        const keyFrame = (packet.flags & AV_PKT_FLAG_KEY) !== 0;
        pictures.push({ data: Buffer.from(packet.data ?? []), keyFrame, time: Number(packet.pts) });
        packet.unref();
      }
      return pictures;
    },
    // FFmpeg's libx264 compares these with what it runs on before every picture. It shares the rate out
    // among as many pictures as it was opened for.
    setRate: (kbps, fps) => applyBitrate(context, (kbps * openFps) / fps),
    close() {
      packet.free();
      frame.free();
      converter.freeContext();
      context.freeContext();
    },
  };
}

function findCodec(name: string): Codec {
  const codec = Codec.findEncoderByName(name as Parameters<typeof Codec.findEncoderByName>[0]);
  if (codec?.id === AV_CODEC_ID_H264) return codec;
  const known = Codec.getCodecList().filter((each) => each.isEncoder() && each.id === AV_CODEC_ID_H264);
  throw new Error(
    `There is no H.264 encoder ${name}; there are ${known.map((each) => each.name).join(', ')}.`,
  );
}

function pixelFormatOf(codec: Codec, name: string): AVPixelFormat {
  const offered = codec.pixelFormats;
  // Some, such as h264_v4l2m2m, only know when they are opened.
  if (!offered?.length) return AV_PIX_FMT_YUV420P;
  const format = [AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12].find((each) => offered.includes(each));
  if (format === undefined) throw new Error(`The H.264 encoder ${name} does not take pictures from memory.`);
  return format;
}

function openCodec(
  codec: Codec,
  name: string,
  pixelFormat: AVPixelFormat,
  { width, height, fps, kbps }: EncoderOptions,
): CodecContext {
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = pixelFormat;
  context.colorSpace = AVCOL_SPC_SMPTE170M;
  context.colorRange = AVCOL_RANGE_MPEG;
  context.timeBase = new Rational(1, VIDEO_CLOCK_HZ);
  context.framerate = new Rational(fps, 1);
  context.gopSize = ENDLESS_GOP;
  context.maxBFrames = 0;
  context.threadCount = THREADS;
  applyBitrate(context, kbps ?? DEFAULT_KBPS);
  // Not as a Dictionary to open2Sync: node-av 6.1.1 frees such a one twice, and the process crashes
  // with the next garbage collection.
  for (const [option, value] of Object.entries(CODEC_OPTIONS[name] ?? {})) {
    const set = context.setOption(option, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
    FFmpegError.throwIfError(set, `option ${option} of ${name}`);
  }
  const result = context.open2Sync(codec, null);
  if (result >= 0) return context;
  context.freeContext();
  const reason = new FFmpegError(result).message;
  throw new Error(`The H.264 encoder ${name} cannot be opened on this machine: ${reason}.`);
}

function applyBitrate(context: CodecContext, kbps: number): void {
  const rate = Math.round(Math.max(LEAST_KBPS, Number.isFinite(kbps) ? kbps : LEAST_KBPS) * ASKED * 1000);
  context.bitRate = BigInt(rate);
  context.rcMaxRate = BigInt(rate);
  context.rcBufferSize = Math.round(Math.max(LEAST_BUFFER, rate * BUFFER_SECONDS));
}
