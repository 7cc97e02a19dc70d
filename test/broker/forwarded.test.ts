/** Who a request comes from, behind proxies and without. */
import type { IncomingMessage } from 'node:http';
import express from 'express';
import { describe, expect, test } from 'vitest';
import { createForwarded, parseTrust } from '../../broker/forwarded.ts';

const from = (remoteAddress: string, headers: Record<string, string> = {}, encrypted = false) =>
  ({ socket: { remoteAddress, encrypted }, headers }) as unknown as IncomingMessage;
const chain = (list: string) => ({ 'x-forwarded-for': list, 'x-forwarded-proto': 'https' });

describe('the address of a request', () => {
  const cases: [what: string, trust: string | null, remote: string, header: string, address: string][] = [
    ['nobody is trusted unless told', null, '127.0.0.1', '203.0.113.9', '127.0.0.1'],
    ['one hop: what the proxy appended', '1', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['two hops', '2', '10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['more hops than there are', '3', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['no hops', '0', '10.0.0.1', '203.0.113.9', '10.0.0.1'],
    ['a range', '10.0.0.0/8', '10.0.0.1', '198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['who is outside of it', '10.0.0.0/8', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['a name, and IPv4 in IPv6', 'loopback', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['IPv6', 'uniquelocal', 'fd00::1', '2001:db8::9', '2001:db8::9'],
    ['text that is no address', 'loopback', '127.0.0.1', '203.0.113.9, <script>', '127.0.0.1'],
    ['an empty list', 'loopback', '127.0.0.1', ' , ', '127.0.0.1'],
  ];
  test.each(cases)('%s', (_what, trust, remote, header, address) => {
    const forwarded = createForwarded(trust === null ? undefined : parseTrust(trust));
    expect(forwarded.addressOf(from(remote, chain(header)))).toBe(address);
  });
});

test('TLS is known from the connection, or from a proxy that is trusted, or not at all', () => {
  const trusting = createForwarded(parseTrust('loopback'));
  expect(trusting.isSecure(from('127.0.0.1', chain('203.0.113.9')))).toBe(true);
  expect(trusting.isSecure(from('127.0.0.1', { 'x-forwarded-proto': 'http' }))).toBe(false);
  expect(trusting.isSecure(from('192.0.2.1', chain('203.0.113.9')))).toBe(null);
  expect(createForwarded().isSecure(from('127.0.0.1', chain('203.0.113.9')))).toBe(null);
  expect(createForwarded().isSecure(from('192.0.2.1', {}, true))).toBe(true);
});

test('Express finds the same address, and what is none harms nobody', () => {
  const trust = parseTrust('loopback,10.0.0.0/8');
  const forwarded = createForwarded(trust);
  const app = express().set('trust proxy', trust);
  for (const list of [
    '203.0.113.9',
    '203.0.113.9, 10.0.0.1',
    '198.51.100.1, 203.0.113.9',
    'x, 203.0.113.9',
    '',
  ]) {
    const request = Object.setPrototypeOf(from('::ffff:127.0.0.1', { 'x-forwarded-for': list }), app.request);
    expect([list, request.ip?.replace('::ffff:', '')]).toEqual([list, forwarded.addressOf(request)]);
  }
  expect(trust('x', 0)).toBe(false);
});

test.each(['', 'everyone', '10.0.0.0/33', '10.0.0.0/', '::1/129', '1.2.3', '11', 'loopback,'])(
  '%j is refused as proxies',
  (text) => {
    expect(() => parseTrust(text)).toThrow(/^('.*' is neither|There are at most 10 proxies)/);
  },
);
