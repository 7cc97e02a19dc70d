import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ATTRIBUTE,
  addressOf,
  addressValue,
  encodeStun,
  errorOf,
  isIntact,
  longTermKey,
  METHOD,
  numberOf,
  numberValue,
  parseStun,
  stunMessage,
  textOf,
} from '../../vehicle/webrtc/stun.ts';

const bytes = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');

/** RFC 5769, section 2. */
const PASSWORD = Buffer.from('VOkJxbRl1RmTxUk/WvJxBt');
const REQUEST = bytes(`
  00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74
  00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020
  00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf`);
const RESPONSE_4 = bytes(`
  0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
  00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`);
const RESPONSE_6 = bytes(`
  01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
  00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
  00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c`);
const LONG_TERM = bytes(`
  00010060 2112a442 78ad3433 c6ad72c0 29da412e
  00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
  0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
  0014000b 6578616d 706c652e 6f726700 00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666`);

describe('the samples of RFC 5769', () => {
  test('a request', () => {
    const message = parseStun(REQUEST);
    expect(message).toMatchObject({ method: METHOD.BINDING, kind: 'request' });
    expect(message && textOf(message, ATTRIBUTE.USERNAME)).toBe('evtj:h6vY');
    expect(isIntact(REQUEST, PASSWORD)).toBe(true);
    expect(isIntact(REQUEST, Buffer.from('another password'))).toBe(false);
  });

  test.each([
    ['IPv4', RESPONSE_4, '192.0.2.1'],
    ['IPv6', RESPONSE_6, '2001:db8:1234:5678:11:2233:4455:6677'],
  ])('a response over %s', (_family, packet, host) => {
    const message = parseStun(packet);
    expect(message?.kind).toBe('success');
    expect(message && addressOf(message, ATTRIBUTE.XOR_MAPPED_ADDRESS)).toEqual([host, 32_853]);
    expect(isIntact(packet, PASSWORD)).toBe(true);
  });

  test('a request with a login', () => {
    const message = parseStun(LONG_TERM);
    expect(message && textOf(message, ATTRIBUTE.REALM)).toBe('example.org');
    expect(isIntact(LONG_TERM, longTermKey('マトリックス', 'example.org', 'TheMatrIX'))).toBe(true);
  });
});

const octets = fc.integer({ min: 0, max: 255 });
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((text) => new URL(`http://[${text}]`).hostname.slice(1, -1)),
);

test('what is written is read again', () => {
  const kinds = fc.constantFrom('request', 'indication', 'success', 'error') as fc.Arbitrary<'request'>;
  const methods = fc.integer({ min: 0, max: 0xff });
  const key = Buffer.from('a key');
  fc.assert(
    fc.property(
      methods,
      kinds,
      host,
      fc.integer({ min: 0, max: 65_535 }),
      fc.uint8Array({ maxLength: 50 }),
      (...all) => {
        const [method, kind, address, port, data] = all;
        const message = stunMessage(method, kind);
        message.attributes
          .set(ATTRIBUTE.XOR_PEER_ADDRESS, addressValue([address, port], message.id))
          .set(ATTRIBUTE.DATA, Buffer.from(data))
          .set(ATTRIBUTE.LIFETIME, numberValue(600));
        const packet = encodeStun(message, key);
        const read = parseStun(packet);
        if (!read) throw new Error('it can’t be read');
        expect(read).toMatchObject({ method, kind, id: message.id });
        expect(addressOf(read, ATTRIBUTE.XOR_PEER_ADDRESS)).toEqual([address, port]);
        expect(read.attributes.get(ATTRIBUTE.DATA)).toEqual(Buffer.from(data));
        expect(numberOf(read, ATTRIBUTE.LIFETIME)).toBe(600);
        expect(isIntact(packet, key)).toBe(true);
      },
    ),
  );
});

test('an error tells its code and its reason', () => {
  const message = stunMessage(METHOD.ALLOCATE, 'error');
  message.attributes.set(ATTRIBUTE.ERROR_CODE, Buffer.from('\0\0\x04\x26Stale Nonce'));
  expect(errorOf(message)).toEqual([438, 'Stale Nonce']);
  expect(errorOf(stunMessage(METHOD.ALLOCATE, 'error'))).toEqual([0, 'an error without a code']);
});

test('nothing that was changed in one byte is taken for whole', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(REQUEST, RESPONSE_4, RESPONSE_6),
      fc.nat(200),
      fc.integer({ min: 1, max: 255 }),
      (packet, at, by) => {
        const other = Buffer.from(packet);
        const place = at % (other.length - 8);
        other[place] = (other[place] ?? 0) ^ by;
        // A length that was changed may make another attribute swallow the FINGERPRINT; not the integrity.
        expect(parseStun(other) === null || !isIntact(other, PASSWORD)).toBe(true);
      },
    ),
  );
});

test('nothing that comes from anywhere does harm', () => {
  const noise = fc.array(octets, { maxLength: 120 }).map((list) => Buffer.from(list));
  // A right header before it, so that more than the first look is tried.
  const framed = noise.map((body) => {
    const whole = body.subarray(0, body.length & ~3);
    const head = Buffer.concat([REQUEST.subarray(0, 20)]);
    head.writeUInt16BE(whole.length, 2);
    return Buffer.concat([head, whole]);
  });
  fc.assert(
    fc.property(fc.oneof(noise, framed), (packet) => {
      const message = parseStun(packet);
      if (!message) return;
      isIntact(packet, PASSWORD);
      errorOf(message);
      for (const name of Object.values(ATTRIBUTE)) {
        addressOf(message, name);
        numberOf(message, name);
        textOf(message, name);
      }
    }),
    { numRuns: 2_000 },
  );
});
