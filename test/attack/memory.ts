/**
 * The memory of a process, in two ways.
 *
 * live: what its program holds after a full collection of garbage: V8's heap, and buffers beside it. A leak is
 * seen here, and nothing else is. RSS: what the operating system has given it. That is what an operator of a
 * server sees; it also holds what malloc and V8 keep for later, and so follows the greatest load so far.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './target.ts';

export interface Memory {
  /** MiB */
  live: number;
  rss: number;
  /** Of RSS, what V8 has nothing to do with: where libraries keep theirs. */
  native: number;
  /** Files and sockets that are open. */
  descriptors: number;
}

/** By how much live memory may be more than before. */
export const ALLOWED = 1.2;
const MIB = 2 ** 20;
const LOOK_MS = 250;

export interface MemoryProbe {
  /** Collects garbage and looks. */
  look(): Promise<Memory>;
  /** Looks until it is as before, for so long at most, ms. What it found last. */
  settled(before: Memory, patienceMs: number): Promise<Memory>;
  close(): void;
}

export const isAsBefore = (before: Memory, after: Memory): boolean =>
  after.live <= before.live * ALLOWED && after.descriptors <= before.descriptors;

/** Over the debugger's protocol (Chrome DevTools Protocol). */
export async function probeMemory({
  inspectorUrl,
  pid,
}: Pick<Target, 'inspectorUrl' | 'pid'>): Promise<MemoryProbe> {
  const socket = new WebSocket(inspectorUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`the debugger at ${inspectorUrl} does not answer`));
  });
  const waiting = new Map<number, (result: never) => void>();
  let id = 0;
  socket.onmessage = ({ data }) => {
    const { id: answered, result } = JSON.parse(data);
    waiting.get(answered)?.(result as never);
    waiting.delete(answered);
  };
  function ask<T>(method: string, params = {}): Promise<T> {
    id += 1;
    const answer = new Promise<T>((resolve, reject) => {
      waiting.set(id, resolve);
      socket.onclose = () => reject(new Error('the process has ended'));
    });
    socket.send(JSON.stringify({ id, method, params }));
    return answer;
  }

  const probe: MemoryProbe = {
    async look() {
      await ask('HeapProfiler.collectGarbage');
      const { result } = await ask<{ result: { value: string } }>('Runtime.evaluate', {
        expression: 'JSON.stringify(process.memoryUsage())',
      });
      const { heapUsed, heapTotal, external, rss } = JSON.parse(result.value);
      return {
        live: (heapUsed + external) / MIB,
        rss: rss / MIB,
        native: (rss - heapTotal - external) / MIB,
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
      };
    },
    async settled(before, patienceMs) {
      const until = performance.now() + patienceMs;
      for (;;) {
        const now = await probe.look();
        if (isAsBefore(before, now) || performance.now() > until) return now;
        await sleep(LOOK_MS);
      }
    },
    close: () => socket.close(),
  };
  return probe;
}
