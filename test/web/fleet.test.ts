import { describe, expect, test } from 'vitest';
import type { Incoming } from '../../shared/bus.ts';
import type { Lease, Presence } from '../../shared/messages.ts';
import {
  type Car,
  countStates,
  driverOf,
  hear,
  listed,
  newCar,
  stateFilter,
  stateOf,
} from '../../web/fleet/cars.ts';

const presence = (over: Partial<Presence> = {}): Presence => ({
  v: 1,
  ts: 1,
  state: 'online',
  role: 'vehicle',
  epoch: 1,
  since: 1,
  ...over,
});
const lease = (holder: string | null): Lease => ({ v: 1, ts: 1, holder, since: 1 });
const car = (room: string, over: Partial<Car> = {}): Car => ({
  ...newCar(room),
  presence: presence(),
  ...over,
});

const heard = (kind: 'presence' | 'lease' | 'usage', room: string, message: unknown, peer = room) =>
  ({ kind, topic: { kind, room, peer }, message, retained: false }) as Incoming;

describe('what messages make of a car', () => {
  test('its own presence is the car', () => {
    expect(stateOf(hear(newCar('car1'), heard('presence', 'car1', presence())))).toBe('online');
  });

  test('a cleared presence takes it away', () => {
    expect(hear(car('car1'), heard('presence', 'car1', null)).presence).toBeNull();
  });

  test('an operator that calls itself like the room is no vehicle', () => {
    const message = presence({ role: 'operator' });
    expect(hear(newCar('car1'), heard('presence', 'car1', message)).presence).toBeNull();
  });

  test('operators come and go', () => {
    const message = presence({ role: 'operator', name: 'Mira' });
    const seen = hear(car('car1'), heard('presence', 'car1', message, 'op-1'));
    expect(Object.keys(seen.operators)).toEqual(['op-1']);
    expect(hear(seen, heard('presence', 'car1', null, 'op-1')).operators).toEqual({});
  });

  test('the server’s word on its relayed data comes, and is taken back', () => {
    const usage = {
      v: 1,
      ts: 1,
      month: '2027-05',
      car: { relayBytes: 5 },
      all: { relayBytes: 9 },
      level: 'fine',
    };
    const said = hear(car('car1'), heard('usage', 'car1', usage));
    expect(said.usage).toEqual(usage);
    expect(hear(said, heard('usage', 'car1', null)).usage).toBeNull();
  });

  test('one that is only getting ready has not come', () => {
    const message = presence({ role: 'operator', preparing: true });
    const before = car('car1');
    expect(hear(before, heard('presence', 'car1', message, 'op-1'))).toBe(before);
  });

  test('what changes nothing gives the same car, so that no row is drawn', () => {
    const before = car('car1');
    expect(hear(before, heard('presence', 'car1', null, 'op-1'))).toBe(before);
  });

  test('the driver, by name where there is one', () => {
    const held = hear(car('car1'), heard('lease', 'car1', lease('op-1')));
    expect(stateOf(held)).toBe('driven');
    expect(driverOf(held)).toBe('op-1');
    const named = { ...held, operators: { 'op-1': presence({ role: 'operator', name: 'Mira' }) } };
    expect(driverOf(named)).toBe('Mira');
  });

  test('a lost car is driven by nobody, whatever its lease still says', () => {
    const lost = car('car1', { presence: presence({ state: 'lost' }), lease: lease('op-1') });
    expect(stateOf(lost)).toBe('lost');
    expect(driverOf(lost)).toBeNull();
  });
});

describe('the list', () => {
  const cars = [
    car('car10'),
    car('car2', { lease: lease('op-7d2a') }),
    car('car1', { presence: presence({ state: 'offline' }) }),
    car('forklift', { presence: presence({ name: 'Anton' }) }),
    car('car3', { presence: presence({ state: 'lost' }) }),
  ];

  test('is ordered by name, numbers as numbers, whatever their state', () => {
    expect(listed(cars, '', 'all')).toEqual(['forklift', 'car1', 'car2', 'car3', 'car10']);
  });

  test.each([
    ['CAR1', ['car1', 'car10']],
    ['anton', ['forklift']],
    ['fork', ['forklift']],
    ['7d2a', ['car2']],
    [' car  2 ', ['car2']],
    ['nothing', []],
  ])('search for %j', (search, expected) => {
    expect(listed(cars, search, 'all')).toEqual(expected);
  });

  test('filter by state, and together with search', () => {
    expect(listed(cars, '', 'online')).toEqual(['forklift', 'car10']);
    expect(listed(cars, '', 'driven')).toEqual(['car2']);
    expect(listed(cars, 'car', 'online')).toEqual(['car10']);
  });

  test('counts every state', () => {
    expect(countStates(cars)).toEqual({ all: 5, driven: 1, online: 2, lost: 1, offline: 1 });
  });

  test('a filter from the address bar that makes no sense shows all', () => {
    expect(stateFilter('lost')).toBe('lost');
    expect(stateFilter('constructor')).toBe('all');
    expect(stateFilter(null)).toBe('all');
  });
});
