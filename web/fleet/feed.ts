/** The fleet, live over MQTT: one signal per car, so that only rows that change are drawn anew. */
import { batch, type Signal, signal } from '@preact/signals';
import { type BusOptions, type BusState, createBus, type Incoming } from '../../shared/bus.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import type { Usage } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import type { FleetSettings } from '../settings.ts';
import { type Car, driverOf, hear, nameOf, newCar, stateOf } from './cars.ts';

/** Rows change together, at most this often, ms. */
const FLUSH_MS = 250;
/** What search, filter and order of a list go by. */
const listing = (car: Car) => [stateOf(car), nameOf(car), driverOf(car)].join('\n');

/** Retained messages have come this long after the broker has confirmed the subscription, ms. */
const SETTLE_MS = 300;

export type Feed = ReturnType<typeof createFeed>;

/** @param me who this page is on the broker */
export function createFeed(
  settings: FleetSettings,
  me: Pick<BusOptions, 'clientId' | 'credentials'>,
  clock: Clock = systemClock,
) {
  const cars = new Map<string, Car>();
  const rows = new Map<string, Signal<Car>>();
  const changed = new Set<string>();
  /** Heard of in this connection: what is not, has been cleared in the meantime. */
  let seen = new Set<string>();
  let flushedAt = Number.NEGATIVE_INFINITY;
  let waiting = false;
  let stopWaiting = () => {};
  let stopSettling = () => {};

  const broker = signal<BusState>({ state: 'connecting' });
  /** Grows when a car comes, goes, or changes what a list goes by: then the list is made anew. */
  const version = signal(0);
  /** Everything that the broker had stored is there. */
  const settled = signal(false);
  /** The server's last word on all vehicles' relayed data. */
  const usage = signal<Usage | null>(null);
  /** When the broker was lost; null while it is there. */
  const lostAt = signal<number | null>(null);

  const bus = createBus({
    url: settings.url,
    root: settings.root,
    ...me,
    filters: createTopics(settings.root).filters.fleet(),
    clock,
    onMessage,
    onState(state) {
      broker.value = state;
      if (state.state === 'connected') lostAt.value = null;
      else lostAt.value ??= clock.now();
    },
    onConnect(subscribed) {
      seen = new Set();
      stopSettling();
      void subscribed.then(() => {
        stopSettling = clock.after(SETTLE_MS, settle);
      });
    },
  });

  function onMessage(incoming: Incoming): void {
    const { room } = incoming.topic;
    const before = cars.get(room) ?? newCar(room);
    const after = hear(before, incoming);
    if (after.presence !== null) seen.add(room);
    if (incoming.kind === 'usage' && incoming.message) hearUsage(incoming.message);
    if (after === before) return;
    cars.set(room, after);
    change(room);
  }

  /** The retained ones come in any order, and each has the sums of its time. */
  function hearUsage(message: Usage): void {
    if (message.ts >= (usage.peek()?.ts ?? 0)) usage.value = message;
  }

  function settle(): void {
    for (const room of cars.keys()) {
      if (seen.has(room)) continue;
      cars.delete(room);
      change(room);
    }
    flush();
    settled.value = true;
  }

  function change(room: string): void {
    changed.add(room);
    if (waiting) return;
    waiting = true;
    stopWaiting = clock.after(Math.max(0, flushedAt + FLUSH_MS - clock.now()), flush);
  }

  function flush(): void {
    stopWaiting();
    waiting = false;
    flushedAt = clock.now();
    batch(() => {
      for (const room of changed) show(room);
      changed.clear();
    });
  }

  function show(room: string): void {
    const car = cars.get(room);
    const row = rows.get(room);
    if (!car?.presence) {
      if (rows.delete(room)) version.value++;
    } else if (!row) {
      rows.set(room, signal(car));
      version.value++;
    } else {
      const before = row.peek();
      row.value = car;
      if (listing(before) !== listing(car)) version.value++;
    }
  }

  return {
    broker,
    version,
    settled,
    lostAt,
    usage,
    rows: rows as ReadonlyMap<string, Signal<Car>>,
    close(): void {
      stopWaiting();
      stopSettling();
      void bus.close();
    },
  };
}
