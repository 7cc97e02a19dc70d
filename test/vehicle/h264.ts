/** What a receiver does, for the tests: RTP packets to pictures, pictures to pixels. */
import { Codec, CodecContext, FFmpegError, Frame, Packet } from 'node-av';
import { AV_CODEC_ID_H264 } from 'node-av/constants';
import { onTestFinished } from 'vitest';
import { readTimecode, TIMECODE_SQUARE } from '../../shared/timecode.ts';

/** The grey values of a decoded picture. */
const ORIGINAL_WIDTH = 640;

export interface Picture {
  width: number;
  height: number;
  luma(x: number, y: number): number;
}

/** NAL unit types; RFC 6184, table 1, and H.264, table 7-1. */
export const IDR = 5;
export const SPS = 7;
export const FU_A = 28;

export interface RtpPacket {
  marker: boolean;
  sequence: number;
  timestamp: number;
  payload: Buffer;
}

export function parseRtp(packet: Buffer): RtpPacket {
  if (packet.readUInt8(0) !== 0x80) throw new Error('is not RTP version 2 without extensions');
  return {
    marker: (packet.readUInt8(1) & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    payload: packet.subarray(12),
  };
}

/** The NAL units in the payloads of one picture (RFC 6184, section 5: single units and FU-A). */
export function unitsOf(payloads: Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  let open: Buffer[] | null = null;
  for (const payload of payloads) {
    const first = payload.readUInt8(0);
    if ((first & 31) !== FU_A) {
      if (open) throw new Error('a unit in the middle of a fragmented one');
      units.push(payload);
      continue;
    }
    const header = payload.readUInt8(1);
    if (header & 0x80) open = [Buffer.from([(first & 0xe0) | (header & 31)])];
    if (!open) throw new Error('a fragment without its start');
    open.push(payload.subarray(2));
    if (header & 0x40) {
      units.push(Buffer.concat(open));
      open = null;
    }
  }
  if (open) throw new Error('a fragment without its end');
  return units;
}

export const unitTypes = (units: Buffer[]) => units.map((unit) => unit.readUInt8(0) & 31);

export const annexB = (units: Buffer[]) =>
  Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));

/** A decoder that is freed with the test; null for a picture that does not decode. */
export function createDecoder(): (picture: Buffer) => Picture | null {
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  const context = new CodecContext();
  context.allocContext3(codec);
  FFmpegError.throwIfError(context.open2Sync(codec, null), 'decoder');
  const packet = new Packet();
  const frame = new Frame();
  packet.alloc();
  frame.alloc();
  onTestFinished(() => {
    packet.free();
    frame.free();
    context.freeContext();
  });
  return (data) => {
    packet.data = data;
    if (context.sendPacketSync(packet) < 0 || context.receiveFrameSync(frame) < 0) return null;
    const plane = Buffer.from(frame.data?.[0] ?? []);
    const stride = frame.linesize[0] ?? 0;
    const { width, height } = frame;
    frame.unref();
    return { width, height, luma: (x, y) => plane.readUInt8(y * stride + x) };
  };
}

/** The capture time in the picture's corner, ms since the epoch; null when it can't be read. */
export function timecodeOf(picture: Picture, now = Date.now()): number | null {
  // The squares are those of the original picture, which may have been made smaller.
  const square = (TIMECODE_SQUARE * picture.width) / ORIGINAL_WIDTH;
  const centre = (index: number) => Math.floor((index + 0.5) * square);
  return readTimecode((column, row) => picture.luma(centre(column), centre(row)), now);
}

/** How different two pictures are below the time code: mean difference of grey values. */
export function difference(a: Picture, b: Picture): number {
  let sum = 0;
  let count = 0;
  for (let y = 20; y < a.height; y += 4) {
    for (let x = 0; x < a.width; x += 4) {
      sum += Math.abs(a.luma(x, y) - b.luma(x, y));
      count++;
    }
  }
  return sum / count;
}
