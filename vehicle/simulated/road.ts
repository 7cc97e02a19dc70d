/** The shapes of the road and of what grows beside it, in chunks that are drawn or left out together. */
import { type Place, type Shape, shapeOf } from './camera.ts';
import { beside, ROAD_WIDTH, TRACK, trackPoint } from './track.ts';
import { randomNumbers } from './world.ts';

/** Track points in a chunk, about 8 m of road. */
const CHUNK_POINTS = 4;
/** No part of a chunk and its verges is farther from its middle, m. */
export const CHUNK_RADIUS = 14;
/** Curvature from which bends have kerbs, 1/m. */
const KERB_CURVATURE = 1 / 45;
/** From the road's edge, m. */
const SHOULDER_WIDTH = 0.6;
const VERGE_WIDTH = 7.5;

/** What is near is drawn with more corners than what is far. */
export interface Surface {
  road: Shape;
  shoulders: Shape;
  /** Edge lines, a dash of the centre line, and every other kerb stone. */
  white: Shape[];
  redKerbs: Shape[];
  /** Grass that was mown the other way. */
  bands: Shape[];
}

export interface Chunk {
  /** Its middle. */
  x: number;
  y: number;
  fine: Surface;
  coarse: Surface;
  darkPatches: Shape[];
  lightPatches: Shape[];
  tufts: Shape[];
  brightTufts: Shape[];
}

export function makeChunks(): Chunk[] {
  const random = randomNumbers(21);
  const some = (count: number, make: (from: number, random: () => number) => Shape, from: number) =>
    Array.from({ length: count }, () => make(from, random));
  return Array.from({ length: Math.ceil(TRACK.length / CHUNK_POINTS) }, (_, number) => {
    const from = number * CHUNK_POINTS;
    const to = Math.min(from + CHUNK_POINTS, TRACK.length);
    const { x, y } = trackPoint(Math.floor((from + to) / 2));
    return {
      x,
      y,
      fine: makeSurface(number, from, to, 1),
      coarse: makeSurface(number, from, to, 2),
      darkPatches: some(4, patch, from),
      lightPatches: some(3, patch, from),
      tufts: some(12, tuft, from),
      brightTufts: some(7, tuft, from),
    };
  });
}

function makeSurface(number: number, from: number, to: number, step: number): Surface {
  const half = ROAD_WIDTH / 2;
  const between = (right: number, left: number) => strip(from, to, right, left, step);
  const inBend = Array.from({ length: to - from }, (_, n) => from + n).filter(
    (index) => Math.abs(trackPoint(index).curvature) > KERB_CURVATURE,
  );
  const kerbs = (parity: number) =>
    inBend
      .filter((index) => index % 2 === parity)
      .flatMap((index) => [
        strip(index, index + 1, half, half + 0.45),
        strip(index, index + 1, -half - 0.45, -half),
      ]);
  const verge = half + SHOULDER_WIDTH;
  return {
    road: between(-half, half),
    shoulders: between(-verge, verge),
    white: [
      between(half - 0.35, half - 0.2),
      between(0.2 - half, 0.35 - half),
      strip(from, from + 1.6, -0.075, 0.075),
      ...kerbs(0),
    ],
    redKerbs: kerbs(1),
    bands:
      number % 2 === 0 ? [between(verge, verge + VERGE_WIDTH), between(-verge - VERGE_WIDTH, -verge)] : [],
  };
}

/** A place along the track between points. */
function along(index: number, left: number): Place {
  const part = index - Math.floor(index);
  const a = beside(trackPoint(Math.floor(index)), left);
  const b = beside(trackPoint(Math.floor(index) + 1), left);
  return [a.x + part * (b.x - a.x), a.y + part * (b.y - a.y), 0];
}

/**
 * A piece of the ground between two track indices, from `right` to `left` metres left of the middle.
 * @param step indices from corner to corner
 */
function strip(from: number, to: number, right: number, left: number, step = 1): Shape {
  const stops = Array.from({ length: Math.max(1, Math.ceil((to - from) / step)) }, (_, n) => from + n * step);
  stops.push(to);
  return shapeOf(
    ...stops.map((index) => along(index, right)),
    ...stops.reverse().map((index) => along(index, left)),
  );
}

/** A mended place in the asphalt. */
function patch(from: number, random: () => number): Shape {
  const start = from + random() * CHUNK_POINTS;
  const right = -3.1 + random() * 5.6;
  const long = random() < 0.4;
  return strip(
    start,
    start + (long ? 0.4 + random() * 0.9 : 0.1 + random() * 0.2),
    right,
    right + (long ? 0.08 : 0.2 + random() * 0.4),
  );
}

/** A tuft of grass: three upright blades, most of them near the road. */
function tuft(from: number, random: () => number): Shape {
  const side = random() < 0.5 ? -1 : 1;
  const [x, y] = along(from + random() * CHUNK_POINTS, side * (4.4 + random() ** 2 * 12));
  const turn = random() * Math.PI;
  const size = 0.1 + random() * 0.12;
  const at = (across: number, up: number): Place => [
    x + Math.cos(turn) * across * size,
    y + Math.sin(turn) * across * size,
    up * size,
  ];
  return shapeOf(
    at(-0.5, 0),
    at(-0.9, 1.1),
    at(-0.2, 0.4),
    at(0.1, 1.6),
    at(0.3, 0.4),
    at(1, 1.2),
    at(0.5, 0),
  );
}
