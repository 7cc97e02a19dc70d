/**
 * The simulated world: where everything stands. Pure data, the same in every run.
 *
 * x east, y north, in metres from {@link ORIGIN}; heading in radians counter-clockwise from east.
 */
import { beside, distanceToTrack, ROAD_WIDTH, TRACK, trackPoint } from './track.ts';

/** Something that stands beside the track. `heading` is where its front faces. */
export type Thing =
  | { kind: 'tree'; x: number; y: number; variant: number; height: number }
  | { kind: 'bush'; x: number; y: number; variant: number; height: number }
  | { kind: 'cone'; x: number; y: number }
  | { kind: 'post'; x: number; y: number }
  | { kind: 'sign'; x: number; y: number; heading: number; text: string; shape: SignShape }
  | { kind: 'gantry'; x: number; y: number; heading: number; text: string }
  | House;

export type SignShape = 'limit' | 'board' | 'arrowLeft' | 'arrowRight';

export interface House {
  kind: 'house';
  x: number;
  y: number;
  heading: number;
  /** Along the ridge, m. */
  width: number;
  /** Across the ridge, m. */
  depth: number;
  /** Of the walls, m. */
  height: number;
  /** Hue of the walls, degrees. */
  hue: number;
}

/** Where the car stands at first: on the straight, in the middle of the right lane, its rear axle here. */
export const START = startPose();

/**
 * Place of x = 0, y = 0, degrees (WGS 84): the middle of Tempelhofer Feld in Berlin, a closed airfield
 * that is a park now, so that the simulated car is on nobody's road.
 */
export const ORIGIN = { latitude: 52.4735, longitude: 13.4033 };

/**
 * Local tangent plane at {@link ORIGIN}; for a world of a few hundred metres it is right to millimetres.
 * Metres per degree from the usual series for WGS 84 (e.g. Osborne, "The Mercator Projections", 2013).
 * @returns degrees
 */
export function toLatLon(x: number, y: number): { latitude: number; longitude: number } {
  const phi = (ORIGIN.latitude * Math.PI) / 180;
  const perLatitude = 111132.954 - 559.822 * Math.cos(2 * phi) + 1.175 * Math.cos(4 * phi);
  const perLongitude = 111412.84 * Math.cos(phi) - 93.5 * Math.cos(3 * phi) + 0.118 * Math.cos(5 * phi);
  return { latitude: ORIGIN.latitude + y / perLatitude, longitude: ORIGIN.longitude + x / perLongitude };
}

/** Numbers 0…1, the same sequence for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Everything that stands, in no particular order. */
export const THINGS: readonly Thing[] = placeThings();

function startPose(): { x: number; y: number; heading: number } {
  const point = trackPoint(nearestIndex(-52, 0));
  return { ...beside(point, -ROAD_WIDTH / 4), heading: point.heading };
}

function placeThings(): Thing[] {
  const houses = placeHouses();
  return [
    ...houses,
    ...placeFurniture(),
    ...placePosts(),
    ...placeCones(),
    ...placePlants(houses, randomNumbers(7)),
  ];
}

function placeHouses(): House[] {
  const house = (x: number, y: number, heading: number, hue: number, width = 11, height = 4.6): House => ({
    kind: 'house',
    x,
    y,
    heading,
    hue,
    width,
    depth: 8,
    height,
  });
  return [
    house(-34, 17, -Math.PI / 2, 38),
    house(-12, 19, -Math.PI / 2, 12, 14, 5.4),
    house(14, 17, -Math.PI / 2, 205),
    house(-22, -17, Math.PI / 2, 45, 16, 6),
    house(52, -18, Math.PI / 2, 20),
    house(66, 44, 0.3, 30, 12, 5),
    house(116, 64, 2.9, 48),
    house(20, 88, -1.9, 8, 12),
    house(-32, 66, 0.9, 210, 13, 5),
    house(-62, 110, -1.5, 35, 12, 5.4),
    house(-78, 42, 0.1, 15, 12),
    house(-124, 30, 0.1, 40),
  ];
}

/** Signs face the traffic that comes to them in driving direction. */
function placeFurniture(): Thing[] {
  const sign = (index: number, text: string, shape: SignShape, left = -5.2): Thing => {
    const point = trackPoint(index);
    return { kind: 'sign', ...beside(point, left), heading: point.heading + Math.PI, text, shape };
  };
  const gantry = (index: number, text: string): Thing => {
    const { x, y, heading } = trackPoint(index);
    return { kind: 'gantry', x, y, heading: heading + Math.PI, text };
  };
  const start = nearestIndex(-20, 0);
  const chicane = nearestIndex(36, 68);
  return [
    gantry(start, 'PLNTRY'),
    gantry(chicane + 50, 'LAP 1'),
    sign(start - 12, '30', 'limit'),
    sign(start + 8, 'A', 'board'),
    sign(start + 34, '50', 'limit'),
    sign(nearestIndex(96, 28), '', 'arrowLeft', -5.6),
    sign(nearestIndex(100, 46), '', 'arrowLeft', -5.6),
    sign(nearestIndex(88, 67), 'B', 'board'),
    sign(chicane, '', 'arrowRight', 5.6),
    sign(nearestIndex(12, 62), '40', 'limit'),
    sign(nearestIndex(-34, 89), 'C', 'board'),
    sign(nearestIndex(-92, 75), '', 'arrowLeft', -5.6),
    sign(nearestIndex(-105, 50), '', 'arrowLeft', -5.6),
    sign(nearestIndex(-90, 4), '7', 'board'),
  ];
}

/** White delineator posts on both sides; they make speed visible. */
function placePosts(): Thing[] {
  const EVERY = 7;
  return TRACK.filter((_, index) => index % EVERY === 3).flatMap((point): Thing[] => [
    { kind: 'post', ...beside(point, 4.4) },
    { kind: 'post', ...beside(point, -4.4) },
  ]);
}

/** A slalom of cones in the left lane of the straight, to drive around, and a closed-off verge later. */
function placeCones(): Thing[] {
  const first = nearestIndex(2, 0);
  const slalom = [0, 5, 10, 15].map((step, index): Thing => {
    return { kind: 'cone', ...beside(trackPoint(first + step), index % 2 === 0 ? 1.2 : 2.6) };
  });
  const verge = nearestIndex(62, 76);
  const closedOff = [0, 2, 4, 6, 8].map((step): Thing => {
    return { kind: 'cone', ...beside(trackPoint(verge + step), -3.1) };
  });
  return [...slalom, ...closedOff];
}

/** Trees and bushes, thicker away from the road, never on it nor in a house. */
function placePlants(houses: House[], random: () => number): Thing[] {
  const PLANTS = 260;
  const plants: Thing[] = [];
  while (plants.length < PLANTS) {
    const x = -170 + random() * 330;
    const y = -70 + random() * 220;
    const away = distanceToTrack(x, y);
    const inHouse = houses.some((house) => Math.hypot(house.x - x, house.y - y) < house.width * 0.5 + 4);
    const isTree = random() < 0.72;
    const variant = Math.floor(random() * 3);
    const size = random();
    if (inHouse || away < (isTree ? 8.5 : 6.5) || away > 75) continue;
    if (isTree) plants.push({ kind: 'tree', x, y, variant, height: 6 + size * 6 });
    else plants.push({ kind: 'bush', x, y, variant, height: 0.9 + size * 1.1 });
  }
  return plants;
}

function nearestIndex(x: number, y: number): number {
  const away = TRACK.map((point) => Math.hypot(point.x - x, point.y - y));
  return away.indexOf(Math.min(...away));
}
