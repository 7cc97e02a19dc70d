import { expect, test } from 'vitest';
import { parseServerUrl, serverKey } from '../../shared/server-url.ts';

test.each([
  ['stun:turn.example.com', { kind: 'stun', host: 'turn.example.com', port: 3478, transport: 'udp' }],
  ['turn:turn.example.com:80', { kind: 'turn', host: 'turn.example.com', port: 80, transport: 'udp' }],
  ['turn:a.example?transport=tcp', { kind: 'turn', host: 'a.example', port: 3478, transport: 'tcp' }],
  ['turns:a.example', { kind: 'turn', host: 'a.example', port: 5349, transport: 'tls' }],
  ['turns:a.example:443?transport=tcp', { kind: 'turn', host: 'a.example', port: 443, transport: 'tls' }],
  ['TURN:A.Example:3478', { kind: 'turn', host: 'a.example', port: 3478, transport: 'udp' }],
  ['stun:[2001:db8::1]:19302', { kind: 'stun', host: '[2001:db8::1]', port: 19302, transport: 'udp' }],
])('%s', (url, parts) => {
  expect(parseServerUrl(url)).toEqual(parts);
});

test.each(['', 'http://a.example', 'turn:', 'turn:a b', 'turn:user:password@a.example', 'stun:2001:db8::1'])(
  'not one: %s',
  (url) => {
    expect(parseServerUrl(url)).toBeNull();
  },
);

test('one server over one transport is the same however it is written', () => {
  expect(serverKey('turn:a.example')).toBe(serverKey('turn:A.example:3478?transport=udp'));
  expect(serverKey('turn:a.example')).not.toBe(serverKey('turn:a.example?transport=tcp'));
  expect(serverKey('turn:a.example')).not.toBe(serverKey('stun:a.example'));
});
