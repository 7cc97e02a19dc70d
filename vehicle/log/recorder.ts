/** Turns what happens in a vehicle into messages of its drive log. Pure but for whom it tells. */
import type { Clock } from '../../shared/clock.ts';
import type { Actuation, Safety } from '../../shared/safety.ts';
import type { Recorded } from '../../shared/vehicle-end-options.ts';
import type { VssValues } from '../../shared/vss.ts';
import type { Picture } from '../parts.ts';
import { annexBOf } from './annex-b.ts';
import { compressedVideo, locationFix } from './foxglove.ts';
import { createLatencies } from './latency.ts';
import type { TopicName } from './topics.ts';

export interface Recorder {
  /** What happens between the vehicle and its operators. */
  recorded(entry: Recorded): void;
  /** The safety state, and what is applied now; written where it differs from the last. */
  applied(actuation: Actuation, safety: Pick<Safety, 'state' | 'reason' | 'driver'>): void;
  telemetry(values: VssValues): void;
  /** One picture as it was encoded, once for however many viewers. */
  picture(picture: Pick<Picture, 'packets'>): void;
  /** Another file has been begun: what holds is said again, so that each file can be read alone. */
  again(): void;
  close(): void;
}

const LATENCY_MS = 1_000;

export function createRecorder(
  write: (topic: TopicName, message: object, time: number) => void,
  clock: Clock,
): Recorder {
  const latencies = createLatencies();
  /** What holds until something else is said, by topic. */
  const holding = new Map<TopicName, { message: object; text: string }>();
  const say = (topic: TopicName, message: object) => write(topic, message, clock.now());

  function sayIfNew(topic: TopicName, message: object): void {
    const text = JSON.stringify(message);
    if (holding.get(topic)?.text === text) return;
    holding.set(topic, { message, text });
    say(topic, message);
  }

  const sayLatencies = () => {
    for (const latency of latencies.take()) say('/latency', latency);
  };
  const stopLatencies = clock.every(LATENCY_MS, sayLatencies);

  return {
    recorded(entry) {
      latencies.recorded(entry);
      switch (entry.kind) {
        case 'command': {
          const { operator, command, age, dropped } = entry;
          const known = age === null ? {} : { age: Math.round(age) };
          return say('/command/received', { operator, ...command, ...known, dropped: dropped ?? '' });
        }
        case 'lease':
          return sayIfNew('/lease', { holder: entry.holder ?? '', number: entry.number, asked: entry.asked });
        case 'session':
          return say('/session', {
            operator: entry.operator,
            phase: entry.phase,
            detail: entry.detail ?? '',
          });
        case 'link':
          return say('/link', { operator: entry.operator, ...entry.link });
        case 'event': {
          const { operator, direction, event } = entry;
          // Four a second, and said by /latency.
          if (event.type === 'clock') return;
          if (event.type === 'limits') {
            sayIfNew('/limits', { maxSpeed: event.maxSpeed, reason: event.reason ?? '' });
          }
          return say('/event', { operator, direction, ...event });
        }
      }
    },
    applied({ steer, throttle, brake, gear }, { state, reason, driver }) {
      sayIfNew('/command/applied', { steer, throttle, brake, gear, state });
      sayIfNew('/safety', { state, reason: reason ?? '', driver: driver ?? '' });
    },
    telemetry(values) {
      say('/telemetry', nested(values));
      const fix = locationFix(values, clock.now());
      if (fix) say('/location', fix);
    },
    picture: ({ packets }) => say('/video', compressedVideo(annexBOf(packets), clock.now())),
    again() {
      for (const [topic, { message }] of holding) say(topic, message);
    },
    close() {
      stopLatencies();
      sayLatencies();
    },
  };
}

/** `Vehicle.Speed` → `{ Vehicle: { Speed } }`. */
function nested(values: VssValues): object {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const steps = name.split('.');
    const last = steps.pop() as string;
    let node = root;
    for (const step of steps) {
      node[step] ??= {};
      node = node[step] as Record<string, unknown>;
    }
    node[last] = value;
  }
  return root;
}
