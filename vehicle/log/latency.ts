/** How late each operator's commands and pictures are: one figure a second, from what passes by. */
import type { Recorded } from '../../shared/vehicle-end-options.ts';

export interface Latency {
  operator: string;
  /** Greatest of the commands since the figure before, ms. */
  commandAgeMs?: number;
  /** Of the path, ms. */
  rttMs?: number;
  /** Of the picture that the operator sees, ms. */
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
      if (entry.kind === 'command' && entry.age !== null) {
        const latency = of(entry.operator);
        latency.commandAgeMs = Math.max(latency.commandAgeMs ?? 0, Math.round(entry.age));
      } else if (entry.kind === 'link') {
        of(entry.operator).rttMs = entry.link.rttMs;
      } else if (entry.kind === 'event' && entry.event.type === 'stats') {
        const { videoAgeMs } = entry.event as { videoAgeMs?: number };
        if (videoAgeMs !== undefined) of(entry.operator).videoAgeMs = videoAgeMs;
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
