import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRtpPacketizer, MOST_PAYLOAD_BYTES, nalUnits, type PictureRtp } from '../../vehicle/rtp.ts';
import { annexB, FU_A, parseRtp, unitsOf, unitTypes } from './h264.ts';

function packetsOf({ data, lengths }: PictureRtp) {
  let from = 0;
  return lengths.map((length) => {
    const packet = Buffer.from(data, from, length);
    from += length;
    return parseRtp(packet);
  });
}

/** Units as an encoder makes them: a header, no start code inside, no zero at the end. */
const unit = fc
  .tuple(fc.constantFrom(0x41, 0x65, 0x67, 0x68), fc.uint8Array({ minLength: 1, maxLength: 5000, min: 1 }))
  .map(([header, body]) => Buffer.from([header, ...body]));
const units = fc.array(unit, { minLength: 1, maxLength: 5 });

test('a picture can be put together again, in packets that are not too long, the last one marked', () => {
  fc.assert(
    fc.property(units, fc.nat(2 ** 33), (picture, time) => {
      const packets = packetsOf(createRtpPacketizer().packetize(annexB(picture), time));
      expect(unitsOf(packets.map((packet) => packet.payload))).toEqual(picture);
      expect(packets.map((packet) => packet.sequence)).toEqual([...packets.keys()]);
      expect(packets.map((packet) => packet.marker)).toEqual(packets.map((_, n) => n === packets.length - 1));
      for (const packet of packets) {
        expect(packet.timestamp).toBe(time % 2 ** 32);
        expect(packet.payload.length).toBeLessThanOrEqual(MOST_PAYLOAD_BYTES);
      }
    }),
  );
});

test('short and long start codes both part units', () => {
  const stream = Buffer.from([0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4, 0, 5]);
  expect(nalUnits(stream)).toEqual([
    Buffer.from([0x67, 1, 2]),
    Buffer.from([0x68, 3]),
    Buffer.from([0x65, 4, 0, 5]),
  ]);
});

test('a unit that just fits goes alone, one byte more makes two fragments', () => {
  const packetizer = createRtpPacketizer();
  const types = (length: number) => {
    const picture = annexB([Buffer.alloc(length, 0x41)]);
    return unitTypes(packetsOf(packetizer.packetize(picture, 0)).map((packet) => packet.payload));
  };
  expect(types(MOST_PAYLOAD_BYTES)).toEqual([1]);
  expect(types(MOST_PAYLOAD_BYTES + 1)).toEqual([FU_A, FU_A]);
});

test('sequence numbers go on from picture to picture and wrap at 2^16', () => {
  const packetizer = createRtpPacketizer();
  const picture = annexB([Buffer.alloc(MOST_PAYLOAD_BYTES * 99, 0x41)]);
  const sequences: number[] = [];
  while (sequences.length < 2 ** 16 + 10) {
    sequences.push(...packetsOf(packetizer.packetize(picture, 0)).map((packet) => packet.sequence));
  }
  expect(sequences.every((sequence, index) => sequence === index % 2 ** 16)).toBe(true);
});

test('what decoders do not need is left out', () => {
  const picture = annexB([Buffer.from([9, 0xf0]), Buffer.from([6, 5, 1, 1]), Buffer.from([0x65, 1, 2])]);
  const payloads = packetsOf(createRtpPacketizer().packetize(picture, 0)).map((packet) => packet.payload);
  expect(unitTypes(payloads)).toEqual([5]);
});
