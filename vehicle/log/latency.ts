/** How late each operator's commands and pictures are: one figure a second, from what passes by. */
import type { Recorded } from '../../shared/vehicle-end-options.ts';

export interface Latency {
  operator: string;
  /** Greatest of the commands since the figure before, ms. */
  commandAgeMs?: number;
  /** Of the path, ms. */
  rttMs?: number;
  /** Greatest of the pictures that the operator saw meanwhile, ms. */
  videoAgeMs?: number;
}

export function createLatencies() {
  const since = new Map<string, Latency>();
  const of = (operator: string): Latency => {
    const known = since.get(operator) ?? { operator };
    since.set(operator, known);
    return known;
  };
  return {
    recorded(entry: Recorded): void {
      if (entry.kind === 'command') {
        const { operator, age, command } = entry;
        const latency = of(operator);
        if (age !== null) latency.commandAgeMs = Math.max(latency.commandAgeMs ?? 0, Math.round(age));
        if (command.video !== undefined)
          latency.videoAgeMs = Math.max(latency.videoAgeMs ?? 0, command.video);
      } else if (entry.kind === 'link') {
        of(entry.operator).rttMs = entry.link.rttMs;
      }
    },
    /** The figures since the last time, of whom there are any. */
    take(): Latency[] {
      const taken = [...since.values()];
      since.clear();
      return taken;
    },
  };
}
