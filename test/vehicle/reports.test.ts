import { expect, test } from 'vitest';
import * as werift from 'werift';
import { createReportReader } from '../../vehicle/webrtc/reports.ts';

/** As it comes from the wire: header and payload of RTCP, read by werift. */
function fromWire(payload: number[]): werift.TransportWideCC {
  const data = Buffer.from(payload);
  const header = Buffer.from([0x8f, 205, 0, payload.length / 4]);
  const [message] = werift.RtcpPacketConverter.deSerialize(Buffer.concat([header, data]));
  return (message as werift.RtcpTransportLayerFeedback).feedback as werift.TransportWideCC;
}

const SSRCS = [0, 0, 0, 1, 0, 0, 0, 2];
/** Base number 65,534, `count` packets, reference time 0x000003 (192 ms). */
const head = (count: number) => [...SSRCS, 0xff, 0xfe, 0, count, 0, 0, 3, 0];

test('a run of arrivals with small steps', () => {
  // Run length 3 of "small delta"; 4, 0 and 8 quarters of a millisecond; one byte of padding.
  const message = fromWire([...head(3), 0x20, 3, 4, 0, 8, 0, 0, 0]);
  expect(createReportReader()(message)).toEqual([
    { number: 65_534, arrivedAt: 193 },
    { number: 65_535, arrivedAt: 193 },
    { number: 0, arrivedAt: 195 },
  ]);
});

test('vectors of one and of two bits, missing packets, steps backwards', () => {
  // One bit each for 14 packets: 1, 0, 1, then zeros; of which four count.
  const oneBit = fromWire([...head(4), 0b1010_1000, 0, 4, 4, 0, 0, 0, 0].slice(0, 24));
  expect(createReportReader()(oneBit).map(({ arrivedAt }) => arrivedAt)).toEqual([193, null, 194, null]);
  // Two bits each for 7 packets: small, missing, large (two bytes, −2 quarters).
  const twoBits = fromWire([...head(3), 0b1101_0010, 0, 4, 0xff, 0xfe, 0, 0, 0].slice(0, 24));
  expect(createReportReader()(twoBits).map(({ arrivedAt }) => arrivedAt)).toEqual([193, null, 192.5]);
});

test('the reference time goes on beyond its 24 bits', () => {
  const at = (reference: number) => {
    const message = fromWire([...head(1), 0x20, 1, 0, 0]);
    message.referenceTime = reference;
    return message;
  };
  const read = createReportReader();
  const [before] = read(at(2 ** 24 - 1));
  const [after] = read(at(0));
  expect((after?.arrivedAt ?? 0) - (before?.arrivedAt ?? 0)).toBe(64);
});
