import { describe, expect, test } from 'vitest';
import { firstOf } from '../../vehicle/webrtc/first-of.ts';
import { targetsOf } from '../../vehicle/webrtc/ice-targets.ts';

const login = { username: 'somebody', credential: 'something' };

describe('the servers of a list', () => {
  test.each([
    ['stun:a.example', 'stun udp a.example 3478'],
    ['turn:a.example:99', 'turn udp a.example 99'],
    ['turn:a.example?transport=tcp', 'turn tcp a.example 3478'],
    ['turns:a.example', 'turn tls a.example 5349'],
    ['turns:a.example:443?transport=tcp', 'turn tls a.example 443'],
    ['turn:[2001:db8::1]:99', 'turn udp 2001:db8::1 99'],
  ])('%s is %s', (url, wanted) => {
    const [target] = targetsOf([{ urls: url, ...login }]);
    expect(target).toMatchObject({ url, skip: null });
    expect([target?.kind, target?.transport, target?.host, target?.port].join(' ')).toBe(wanted);
  });

  test.each([
    ['turns:a.example?transport=udp', /DTLS/],
    ['stuns:a.example', /tells nothing of UDP/],
    ['turn:a.example:70000', /70000 is not a port/],
    ['http://a.example', /not the URL/],
  ])('%s is skipped, and why', (url, why) => {
    expect(targetsOf([{ urls: url, ...login }])[0]?.skip).toMatch(why);
  });

  test('each URL is there once, with its own login', () => {
    const targets = targetsOf([
      { urls: ['stun:a.example', 'turn:a.example'], ...login },
      { urls: 'turn:a.example', username: 'other', credential: 'other' },
      { urls: 'turn:b.example' },
    ]);
    expect(targets.map(({ url }) => url)).toEqual(['stun:a.example', 'turn:a.example', 'turn:b.example']);
    expect(targets.map((target) => target.login)).toEqual([null, login, null]);
    expect(targets[2]?.skip).toMatch(/no username/);
  });
});

describe('of several attempts', () => {
  const signal = new AbortController().signal;

  test('the first that succeeds wins, the others are given up, and what comes late is handed back', async () => {
    const late = Promise.withResolvers<string>();
    const discarded: string[] = [];
    const given: Record<string, AbortSignal> = {};
    const attempt = (choice: string, own: AbortSignal) => {
      given[choice] = own;
      return choice === 'slow' ? late.promise : Promise.resolve(choice);
    };
    const discard = (what: string) => discarded.push(what);
    expect(await firstOf(['slow', 'fast', 'third'], attempt, discard, signal)).toBe('fast');
    expect(given.slow?.aborted).toBe(true);
    expect(given.third).toBeUndefined();
    late.resolve('slow after all');
    await late.promise;
    expect(discarded).toEqual(['slow after all']);
  });

  test('one that fails is followed by the next at once', async () => {
    const attempt = (choice: string) =>
      choice === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(choice);
    expect(await firstOf(['bad', 'good'], attempt, () => {}, signal)).toBe('good');
  });

  test('when all fail, the first says why', async () => {
    const attempt = (choice: string) => Promise.reject(new Error(choice));
    await expect(firstOf(['one', 'two'], attempt, () => {}, signal)).rejects.toThrow('one');
  });
});
