import { expect, test } from 'vitest';
import { checkIceServers } from '../../../broker/ice/check.ts';

test('STUN and TURN servers are taken as RTCPeerConnection takes them', () => {
  const list = [
    { urls: 'stun:stun.example.org' },
    {
      urls: ['turn:1.2.3.4:3478?transport=udp', 'turns:turn.example.org:5349?transport=tcp'],
      username: 'u',
      credential: 'c',
    },
    { urls: 'stun:[::1]:3478' },
  ];
  expect(checkIceServers(list)).toEqual(list);
});

test('fields that are not of the standard are left out', () => {
  expect(checkIceServers([{ urls: 'stun:a', provider: 'x', credential: 7 }])).toEqual([{ urls: 'stun:a' }]);
});

test.each([
  'stun:a:port',
  'stun:a:b:c',
  'stun:a:99999',
  'stun:a:0',
  'stun:[1',
  'stun:a?transport=udp',
  'turn:a:x',
])('%s is none: one that a browser refuses costs it all of them', (urls) => {
  expect(() => checkIceServers([{ urls, username: 'u', credential: 'c' }])).toThrow('which is none of');
});

test.each([
  [{}, 'ICE servers must be a list like [{"urls": "stun:host:3478"}]'],
  [['stun:a'], 'ICE server 1 must be an object with "urls"'],
  [[{ urls: [] }], 'ICE server 1 has no urls'],
  [
    [{ urls: 'stun:a' }, { urls: 'https://a' }],
    'ICE server 2 has the url "https://a", which is none of stun:, stuns:, turn:, turns:',
  ],
  [[{}], 'ICE server 1 has the url undefined, which is none of stun:, stuns:, turn:, turns:'],
  [
    [{ urls: 'turn:a', username: 'u' }],
    'ICE server 1 is a TURN server and needs a username and a credential, both text',
  ],
  [Array(17).fill({ urls: 'stun:a' }), '17 ICE servers are more than 16'],
])('%j is refused', (value, message) => {
  expect(() => checkIceServers(value)).toThrow(message);
});
