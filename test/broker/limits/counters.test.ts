/** The counters behind the limits, without a network. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey } from '../../../broker/limits/addresses.ts';
import { createAttempts } from '../../../broker/limits/attempts.ts';
import { createClaims } from '../../../broker/limits/claims.ts';
import { createConnections } from '../../../broker/limits/connections.ts';
import { createFramer, type Header } from '../../../broker/limits/framer.ts';
import { createSaidOnce, MAX_KEYS, QUIET_MS } from '../../../broker/limits/said-once.ts';
import { createBucket } from '../../../shared/bucket.ts';
import { manualClock } from '../../helpers/clock.ts';
import { recordLog } from '../../helpers/log.ts';

describe('a token bucket', () => {
  test('gives its burst at once, and then its rate', () => {
    const bucket = createBucket(10, 5, 0);
    for (let i = 0; i < 50; i++) {
      expect(bucket.waitMs(0)).toBe(0);
      bucket.take(1, 0);
    }
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.waitMs(50)).toBe(50);
    expect(bucket.waitMs(100)).toBe(0);
  });

  test('may be overdrawn, and is paid back by waiting', () => {
    const bucket = createBucket(100, 1, 0);
    bucket.take(1_100, 0);
    expect(bucket.level(0)).toBe(-10);
    expect(bucket.waitMs(0)).toBe(10_010);
    expect(bucket.level(20_000)).toBe(1);
  });

  test('in any time never gives more than burst and rate', () => {
    const steps = fc.array(fc.record({ pause: fc.nat(500), wants: fc.nat(50) }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 200 }), (all, rate) => {
        const bucket = createBucket(rate, 2, 0);
        let now = 0;
        let given = 0;
        for (const { pause, wants } of all) {
          now += pause;
          for (let i = 0; i < wants && bucket.waitMs(now) === 0; i++) {
            bucket.take(1, now);
            given += 1;
          }
          expect(given).toBeLessThanOrEqual(rate * 2 + (now / 1000) * rate + 1e-6);
        }
      }),
    );
  });
});

describe('the framer', () => {
  const packet = (first: number, length: number) => {
    const bytes = [first];
    let left = length;
    do {
      bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
      left = Math.floor(left / 128);
    } while (left > 0);
    return Buffer.concat([Buffer.from(bytes), Buffer.alloc(length, 0xff)]);
  };

  test('finds every packet, however the stream is cut', () => {
    const kinds = fc.record({ qos: fc.integer({ min: 0, max: 2 }), length: fc.nat(40_000) });
    fc.assert(
      fc.property(
        fc.array(kinds, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 5_000 })),
        (all, cuts) => {
          const found: Header[] = [];
          const framer = createFramer((header) => found.push(header));
          let rest = Buffer.concat(all.map(({ qos, length }) => packet(0x30 | (qos << 1), length)));
          let cut = 0;
          while (rest.length > 0) {
            const chunk = rest.subarray(0, cuts[cut++] ?? rest.length);
            rest = rest.subarray(chunk.length);
            for (let at = 0; at < chunk.length; ) at = framer.follow(chunk, at);
          }
          expect(found).toEqual(all.map(({ qos, length }) => ({ type: 3, qos, length })));
          expect(framer.between).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('knows a length by its header alone, up to the largest, and none of five bytes', () => {
    const found: Header[] = [];
    const framer = createFramer((header) => found.push(header));
    framer.follow(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]), 0);
    expect(found).toEqual([{ type: 3, qos: 1, length: 268_435_455 }]);
    expect(() => createFramer(() => {}).follow(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), 0)).toThrow();
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::5:6:7:8', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, 'unknown'],
])('the address %s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

describe('connections', () => {
  test('are bounded per address and in all, and make room when they end', () => {
    const connections = createConnections({ connections: 3, connectionsPerAddress: 2 });
    const admit = (address: string) => connections.admit(address);
    const first = admit('192.0.2.1');
    expect(first.ok && admit('192.0.2.1').ok).toBe(true);
    expect(admit('192.0.2.1')).toMatchObject({ ok: false, refusal: { limit: 'connectionsPerAddress' } });
    expect(admit('192.0.2.2').ok).toBe(true);
    expect(admit('192.0.2.3')).toMatchObject({ ok: false, refusal: { limit: 'connections' } });
    expect([connections.count(), connections.most()]).toEqual([3, 2]);
    if (first.ok) {
      first.release();
      first.release();
    }
    expect([connections.count(), connections.most()]).toEqual([2, 1]);
    expect(admit('192.0.2.1').ok).toBe(true);
  });

  test('without an address count among all only, and the address when it is known', () => {
    const connections = createConnections({ connections: 9, connectionsPerAddress: 1 });
    expect(connections.admit(null).ok && connections.admit(null).ok).toBe(true);
    const behind = connections.admitAddress('192.0.2.1');
    expect(connections.admitAddress('192.0.2.1').ok).toBe(false);
    if (behind.ok) behind.release();
    expect(connections.admitAddress('192.0.2.1').ok).toBe(true);
    expect(connections.count()).toBe(2);
  });
});

describe('claims', () => {
  const limits = { topicBytes: 64, topicLevels: 6, subscriptions: 2, rooms: 2 };

  test('subscriptions are counted once each, and again when given up', () => {
    const [claims, client] = [createClaims(limits, 'rooms'), {}];
    expect(claims.subscribe(client, 'a')).toBeNull();
    expect(claims.subscribe(client, 'b')).toBeNull();
    expect(claims.subscribe(client, 'a')).toBeNull();
    expect(claims.subscribe(client, 'c')).toMatchObject({ limit: 'subscriptions' });
    expect(claims.subscribe({}, 'c')).toBeNull();
    claims.unsubscribe(client, 'b');
    expect(claims.subscribe(client, 'c')).toBeNull();
  });

  test('rooms are counted by name, from topics and filters, wildcards not', () => {
    const [claims, client] = [createClaims(limits, 'site/rooms'), {}];
    expect(claims.subscribe(client, 'site/rooms/+/lease')).toBeNull();
    expect(claims.publish(client, 'site/rooms/car1/lease')).toBeNull();
    expect(claims.subscribe(client, 'site/rooms/car2/#')).toBeNull();
    expect(claims.publish(client, 'site/rooms/car1/offer')).toBeNull();
    expect(claims.publish(client, 'elsewhere/car3')).toBeNull();
    expect(claims.publish(client, 'site/rooms/car3/offer')).toMatchObject({ limit: 'rooms' });
  });

  test('topics have a length in bytes, and levels', () => {
    const claims = createClaims(limits, 'rooms');
    expect(claims.publish({}, 'é'.repeat(32))).toBeNull();
    expect(claims.publish({}, 'é'.repeat(33))).toMatchObject({ limit: 'topicBytes' });
    expect(claims.subscribe({}, 'a/b/c/d/e/f')).toBeNull();
    expect(claims.subscribe({}, 'a/b/c/d/e/f/')).toMatchObject({ limit: 'topicLevels' });
    expect(createClaims(limits, 'a/b').subscribe({}, 'a/b/c/d/e/f/g')).toBeNull();
  });
});

describe('log-in attempts', () => {
  const attempts = () => {
    const over: string[] = [];
    return { over, ...createAttempts({ loginFailures: 2, loginSeconds: 60 }, (_, who) => over.push(who)) };
  };

  test('who has had too many has to wait, and nobody elsewhere', async () => {
    const { failed, over } = attempts();
    expect([await failed('192.0.2.1'), await failed('192.0.2.1')]).toEqual([null, null]);
    for (let i = 0; i < 2; i++) expect(await failed('192.0.2.1')).toBeGreaterThan(50);
    expect(over).toEqual(['192.0.2.1', '192.0.2.1']);
    expect(await failed('192.0.2.2')).toBeNull();
  });

  test('those that are held back beforehand are counted apart', async () => {
    const { failed, waitOf } = attempts();
    for (let i = 0; i < 3; i++) await failed('192.0.2.1', 'token');
    expect(await waitOf('192.0.2.1', 'code')).toBeNull();
    for (let i = 0; i < 3; i++) await failed('192.0.2.1', 'code');
    expect(await waitOf('192.0.2.1', 'code')).toBeGreaterThan(50);
    expect(await waitOf('192.0.2.2', 'code')).toBeNull();
  });
});

describe('what is said once', () => {
  test('is said at once, and each minute how many more there were', () => {
    const { log, entries } = recordLog();
    const { clock, pass } = manualClock();
    const said = createSaidOnce(log, clock);
    for (let i = 0; i < 1_000; i++) said.say('a', { who: 'a' }, 'refused');
    said.say('b', { who: 'b' }, 'refused');
    expect(entries.map(({ fields }) => fields)).toEqual([{ who: 'a' }, { who: 'b' }]);
    pass(QUIET_MS);
    expect(entries.slice(2).map(({ fields }) => fields)).toEqual([{ who: 'a', more: 999 }]);
    said.say('a', { who: 'a' }, 'refused');
    expect(entries).toHaveLength(3);
    said.close();
    expect(entries[3]?.fields).toEqual({ who: 'a', more: 1 });
  });

  test('is said again after a minute without it', () => {
    const { log, entries } = recordLog();
    const { clock, pass } = manualClock();
    const said = createSaidOnce(log, clock);
    said.say('a', {}, 'refused');
    pass(QUIET_MS);
    said.say('a', {}, 'refused');
    expect(entries).toHaveLength(2);
  });

  test('of too many kinds is counted only', () => {
    const { log, entries } = recordLog();
    const { clock } = manualClock();
    const said = createSaidOnce(log, clock);
    for (let i = 0; i < 10 * MAX_KEYS; i++) said.say(`key ${i}`, {}, 'refused');
    expect(entries).toHaveLength(MAX_KEYS);
    said.close();
    expect(entries.at(-1)?.fields).toEqual({ more: 9 * MAX_KEYS });
  });
});
