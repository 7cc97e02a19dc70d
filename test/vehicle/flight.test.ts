import { expect, test } from 'vitest';
import { createFlight } from '../../vehicle/rate/flight.ts';

function setUp(packets: number) {
  const flight = createFlight<number>();
  for (let n = 0; n < packets; n++) flight.send(n, 100, n);
  return flight;
}

const report = (...numbers: [number: number, arrived: boolean][]) =>
  numbers.map(([number, arrived]) => ({ number, arrivedAt: arrived ? 1_000 + number : null }));

test('what is reported is not under way any more; what a later one overtook is lost', () => {
  const flight = setUp(5);
  expect(flight.bytes).toBe(500);
  const { arrived, lost } = flight.take(report([0, true], [1, false], [2, true], [3, false]));
  expect(arrived.map(({ item }) => item)).toEqual([0, 2]);
  expect(lost.map(({ item }) => item)).toEqual([1]);
  expect(flight.bytes).toBe(200);
});

test('reports that cover the same packets again say nothing new', () => {
  const flight = setUp(3);
  flight.take(report([0, true], [1, false], [2, true]));
  const { arrived, lost } = flight.take(report([0, true], [1, false], [2, true]));
  expect([arrived, lost]).toEqual([[], []]);
});

test('a report asked for covers all that none has covered yet', () => {
  const flight = setUp(4);
  expect(flight.unreported).toBe(4);
  flight.take(report([0, true], [1, true]));
  expect(flight.unreported).toBe(2);
});

test('packets of a report that got lost, and is not made again, are neither lost nor under way', () => {
  const flight = setUp(6);
  flight.take(report([0, true]));
  const { arrived, lost } = flight.take(report([4, true]));
  expect([arrived.length, lost]).toEqual([1, []]);
  expect(flight.bytes).toBe(100);
});

test('numbers go on beyond 16 bits', () => {
  const flight = setUp(65_534);
  flight.expire(65_534);
  expect([1, 2, 3].map((item) => flight.send(item, 100, 65_534))).toEqual([65_534, 65_535, 0]);
  const { arrived, lost } = flight.take(report([65_534, true], [65_535, false], [0, true]));
  expect(arrived.map(({ item }) => item)).toEqual([1, 3]);
  expect(lost.map(({ item }) => item)).toEqual([2]);
});

test('numbers that were never sent are nobody’s', () => {
  const flight = setUp(2);
  const { arrived, lost } = flight.take(report([500, true], [7, false]));
  expect([arrived, lost]).toEqual([[], []]);
  expect(flight.bytes).toBe(200);
});
