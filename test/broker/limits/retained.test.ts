/** The store of retained messages, without a broker. */
import type { AedesPublishPacket } from 'aedes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRetainedStore, matches } from '../../../broker/limits/retained.ts';

const packet = (topic: string, payload: string) =>
  ({
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 1,
    retain: true,
    dup: false,
  }) as AedesPublishPacket;
const always = () => Promise.resolve(true);
const LIMITS = { retainedMessages: 3, retainedBytes: 40, retainedPerClient: 2 };

async function topicsOf(found: AsyncGenerator<AedesPublishPacket>): Promise<string[]> {
  const topics: string[] = [];
  for await (const { topic } of found) topics.push(topic);
  return topics;
}

test.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', 'a', true],
  ['+', 'a', true],
  ['+', '/a', false],
  ['/+', '/a', true],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['a/b', 'a', false],
])('the filter %s and the topic %s: %s', (filter, topic, fits) => {
  expect(matches(filter, topic)).toBe(fits);
});

test('count and bytes are exact, whatever is kept, replaced and cleared', () => {
  const steps = fc.array(
    fc.record({ topic: fc.constantFrom('a', 'b/é', 'c'), size: fc.nat(5), owner: fc.constantFrom('x', 'y') }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      const store = createRetainedStore({ retainedMessages: 9, retainedBytes: 999, retainedPerClient: 9 });
      const kept = new Map<string, number>();
      for (const { topic, size, owner } of all) {
        store.put(packet(topic, 'x'.repeat(size)), owner);
        if (size === 0) kept.delete(topic);
        else kept.set(topic, Buffer.byteLength(topic) + size);
      }
      expect(store.count()).toBe(kept.size);
      expect(store.bytes()).toBe([...kept.values()].reduce((sum, size) => sum + size, 0));
    }),
  );
});

test('what goes over a limit is refused, and what is there may be replaced and cleared', () => {
  const store = createRetainedStore(LIMITS);
  const put = (topic: string, payload: string, owner?: string) => {
    const refusal = store.refusal(packet(topic, payload), owner);
    if (!refusal) store.put(packet(topic, payload), owner);
    return refusal?.limit ?? null;
  };
  expect(put('a1', '1', 'a')).toBeNull();
  expect(put('a2', '1', 'a')).toBeNull();
  expect(put('a3', '1', 'a')).toBe('retainedPerClient');
  expect(put('a2', '22', 'a')).toBeNull();
  expect(put('b1', '1', 'b')).toBeNull();
  expect(put('b2', '1', 'b')).toBe('retainedMessages');
  expect(put('b1', 'x'.repeat(99), 'b')).toBe('retainedBytes');
  expect(put('server', 'x'.repeat(99))).toBeNull();
  expect(put('b1', 'x', 'b')).toBeNull();
  expect(put('b1', 'xx', 'b')).toBe('retainedBytes');
  expect(put('server', '')).toBeNull();
  expect(put('a1', '', 'a')).toBeNull();
  expect(put('a3', '1', 'a')).toBeNull();
  expect(store.count()).toBe(3);
});

test('who takes over a topic is who has it', () => {
  const store = createRetainedStore({ ...LIMITS, retainedPerClient: 1 });
  store.put(packet('t', '1'), 'a');
  store.put(packet('t', '2'), 'b');
  expect(store.refusal(packet('u', '1'), 'a')).toBeNull();
  expect(store.refusal(packet('u', '1'), 'b')).toMatchObject({ limit: 'retainedPerClient' });
});

test('each message is handed out once, filter by filter, when there is room, as it is then', async () => {
  const store = createRetainedStore({ retainedMessages: 99, retainedBytes: 9_999, retainedPerClient: 99 });
  for (const topic of ['r/1', 'r/2', 's/1']) store.put(packet(topic, 'old'), 'a');
  expect(await topicsOf(store.matching(['s/1', 'r/+', '#'], always))).toEqual(['s/1', 'r/1', 'r/2']);

  const gate = Promise.withResolvers<boolean>();
  const waiting = store.matching(['r/1', 'r/2'], () => gate.promise);
  const first = waiting.next();
  store.put(packet('r/1', 'new'), 'a');
  store.put(packet('r/2', ''), 'a');
  gate.resolve(true);
  expect(String((await first).value?.payload)).toBe('new');
  expect(await topicsOf(waiting)).toEqual([]);
  expect(await topicsOf(store.matching(['#'], () => Promise.resolve(false)))).toEqual([]);
});
