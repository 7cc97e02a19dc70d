import { expect, test } from 'vitest';
import { hasStuntedRecord } from '../../vehicle/webrtc/dtls-records.ts';
import { record } from '../attack/vehicle/packets.ts';

const body = (length: number) => Buffer.alloc(length, 7);

test('encrypted records too short for their tag are told, wherever they stand in a datagram', () => {
  expect(hasStuntedRecord(record(23, 1, 0, body(23)))).toBe(true);
  expect(hasStuntedRecord(record(21, 7, 0, body(0)))).toBe(true);
  expect(hasStuntedRecord(Buffer.concat([record(22, 0, 0, body(90)), record(22, 1, 0, body(3))]))).toBe(true);
});

test('what is in the clear, long enough, cut off, or no DTLS is not', () => {
  expect(hasStuntedRecord(record(21, 0, 0, body(2)))).toBe(false);
  expect(hasStuntedRecord(record(20, 0, 0, body(1)))).toBe(false);
  // A close_notify as AES-GCM has it.
  expect(hasStuntedRecord(record(21, 1, 0, body(26)))).toBe(false);
  expect(hasStuntedRecord(record(23, 1, 0, body(26)).subarray(0, 12))).toBe(false);
  expect(hasStuntedRecord(Buffer.concat([record(22, 0, 0, body(90)), Buffer.from([23, 1, 2])]))).toBe(false);
  expect(hasStuntedRecord(Buffer.from([0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBe(false);
  expect(hasStuntedRecord(Buffer.alloc(0))).toBe(false);
});
