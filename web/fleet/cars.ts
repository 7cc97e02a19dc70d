/** The fleet as data: what messages make of a car, its state, and which cars a list shows. Pure. */
import type { Incoming } from '../../shared/bus.ts';
import type { Lease, Presence, Telemetry, Usage } from '../../shared/messages.ts';

export interface Car {
  readonly room: string;
  /** Null until the vehicle itself has been seen. */
  readonly presence: Presence | null;
  readonly lease: Lease | null;
  readonly telemetry: Telemetry | null;
  /** The server's word on its relayed data. */
  readonly usage: Usage | null;
  /** Operators that are there, by id. */
  readonly operators: Readonly<Record<string, Presence>>;
}

export const CAR_STATES = ['driven', 'online', 'lost', 'offline'] as const;
export type CarState = (typeof CAR_STATES)[number];

export const STATE_WORDS: Record<CarState, string> = {
  driven: 'Driven',
  online: 'Online',
  lost: 'Lost',
  offline: 'Offline',
};

export const newCar = (room: string): Car => ({
  room,
  presence: null,
  lease: null,
  telemetry: null,
  usage: null,
  operators: {},
});

/** The car after a message of its room; the same object when nothing has changed. */
export function hear(car: Car, incoming: Incoming): Car {
  switch (incoming.kind) {
    case 'lease':
      return { ...car, lease: incoming.message };
    case 'telemetry':
      return { ...car, telemetry: incoming.message };
    case 'usage':
      return { ...car, usage: incoming.message };
    case 'presence': {
      const { peer } = incoming.topic;
      const { message } = incoming;
      if (peer === car.room) return { ...car, presence: message?.role === 'vehicle' ? message : null };
      const { [peer]: known, ...others } = car.operators;
      if (message?.role === 'operator' && message.state === 'online' && !message.preparing) {
        return { ...car, operators: { ...others, [peer]: message } };
      }
      return known ? { ...car, operators: others } : car;
    }
    default:
      return car;
  }
}

export function stateOf({ presence, lease }: Car): CarState {
  if (presence === null || presence.state === 'offline') return 'offline';
  if (presence.state === 'lost') return 'lost';
  return lease?.holder ? 'driven' : 'online';
}

export const nameOf = ({ presence, room }: Car): string => presence?.name ?? room;

/** The one who drives, by name where it has one; null when nobody does. */
export function driverOf(car: Car): string | null {
  const holder = car.lease?.holder;
  return holder && stateOf(car) === 'driven' ? (car.operators[holder]?.name ?? holder) : null;
}

export type StateFilter = CarState | 'all';

/** A filter as the address bar has it; what it doesn't know shows all. */
export function stateFilter(text: string | null): StateFilter {
  return CAR_STATES.find((state) => state === text) ?? 'all';
}

/** Every word is part of the car's name, its room, or the driver's name. */
export function matches(car: Car, search: string): boolean {
  const text = `${nameOf(car)} ${car.room} ${driverOf(car) ?? ''}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** car2 before car10. */
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export function byName(a: Car, b: Car): number {
  return collator.compare(nameOf(a), nameOf(b)) || collator.compare(a.room, b.room);
}

/** The rooms that a list shows, in its order. */
export function listed(cars: Iterable<Car>, search: string, filter: StateFilter): string[] {
  return [...cars]
    .filter((car) => (filter === 'all' || stateOf(car) === filter) && matches(car, search))
    .sort(byName)
    .map(({ room }) => room);
}

export function countStates(cars: Iterable<Car>): Record<StateFilter, number> {
  const counts = { all: 0, driven: 0, online: 0, lost: 0, offline: 0 };
  for (const car of cars) {
    counts.all++;
    counts[stateOf(car)]++;
  }
  return counts;
}
