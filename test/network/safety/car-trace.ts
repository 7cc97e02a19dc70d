/** What the car itself writes of what it is told and does, as it comes; see vehicle/simulated/car.ts. */
import { closeSync, openSync, readSync, watch, writeFileSync } from 'node:fs';
import type { Traced } from '../../../vehicle/simulated/car.ts';
import { eventually } from '../../helpers/eventually.ts';

/** Against hanging only, ms. */
const PATIENCE_MS = 60_000;

export interface CarTrace {
  file: string;
  lines: Traced[];
  /** The first thing that is found in the lines from that index on, now or when more come. */
  until<T>(what: string, from: number, look: (lines: Traced[]) => T | undefined): Promise<T>;
  close(): void;
}

/** @param file where the car is to write; it is made */
export function traceCar(file: string): CarTrace {
  writeFileSync(file, '');
  const handle = openSync(file, 'r');
  const buffer = Buffer.alloc(65_536);
  const lines: Traced[] = [];
  const watchers = new Set<() => void>();
  let rest = '';
  function read(): void {
    for (;;) {
      const length = readSync(handle, buffer);
      if (length === 0) break;
      const parts = (rest + buffer.toString('utf8', 0, length)).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) lines.push(JSON.parse(part));
    }
    for (const watcher of [...watchers]) watcher();
  }
  const watching = watch(file, read);
  return {
    file,
    lines,
    until: (what, from, look) =>
      eventually(
        watchers,
        () => look(lines.slice(from)),
        () => `${what}: never; the car's last words: ${JSON.stringify(lines.slice(-12))}`,
        PATIENCE_MS,
      ),
    close() {
      watching.close();
      closeSync(handle);
    },
  };
}
