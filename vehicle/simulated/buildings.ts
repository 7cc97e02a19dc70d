/** Houses and gantries: solid things, made of flat faces. */
import type { SKRSContext2D } from '@napi-rs/canvas';
import { type Camera, EYE, type Place, type Shape, shapeOf } from './camera.ts';
import { fillShapes, hazeAt, hsl, type Rgb, tone, wallLight } from './paint.ts';
import type { House } from './world.ts';

/** A flat piece of a solid, or several of one colour on the same side. */
export interface Face {
  shapes: Shape[];
  colour: Rgb;
  /** Share of the full light. */
  light: number;
  /** Left out beyond this distance, m. */
  seenTo?: number;
  /** A place on it and where it faces, to leave it out when seen from behind. */
  x: number;
  y: number;
  z: number;
  normal: readonly [x: number, y: number, z: number];
}

const ROOF: Rgb = [166, 84, 62];
const GLASS: Rgb = [70, 92, 112];
const FRAME: Rgb = [236, 236, 230];
const DOOR: Rgb = [98, 66, 48];
/** Up to here windows have frames, m; then they would be less than a pixel wide. */
const FRAMES_TO = 60;
/** How far the roof stands over the walls, m. */
const EAVES = 0.5;

/** Draws the faces that are seen from the front, in the order given. */
export function drawFaces(context: SKRSContext2D, camera: Camera, faces: readonly Face[]): void {
  for (const face of faces) {
    const toEye =
      (camera.x - face.x) * face.normal[0] +
      (camera.y - face.y) * face.normal[1] +
      (EYE.height - face.z) * face.normal[2];
    if (toEye <= 0) continue;
    const depth = camera.depth(face.x, face.y);
    if (face.seenTo !== undefined && depth > face.seenTo) continue;
    const haze = hazeAt(depth);
    fillShapes(context, camera, face.shapes, tone(face.colour, face.light, haze));
  }
}

/** Own coordinates of a solid: ahead along its heading, left of it, up. */
function placer(at: { x: number; y: number; heading: number }) {
  const cos = Math.cos(at.heading);
  const sin = Math.sin(at.heading);
  return (ahead: number, left: number, up: number): Place => [
    at.x + ahead * cos - left * sin,
    at.y + ahead * sin + left * cos,
    up,
  ];
}

/** An upright rectangle. @param turn where it faces, relative to the solid's heading */
function wall(
  at: { x: number; y: number; heading: number },
  turn: number,
  box: { out: number; from: number; to: number; low: number; high: number },
  colour: Rgb,
): Face {
  const facing = at.heading + turn;
  const place = placer({ ...at, heading: facing });
  const { out, from, to, low, high } = box;
  const [x, y, z] = place(out, (from + to) / 2, low);
  return {
    shapes: [
      shapeOf(place(out, from, low), place(out, to, low), place(out, to, high), place(out, from, high)),
    ],
    colour,
    light: wallLight(facing),
    x,
    y,
    z,
    normal: [Math.cos(facing), Math.sin(facing), 0],
  };
}

/** The faces of a house with a gable roof, from what lies behind to what lies in front. */
export function houseFaces(house: House): Face[] {
  const { width, depth, height } = house;
  const colour = hsl(house.hue, 0.32, 0.78);
  const sides = [
    { turn: 0, out: depth / 2, half: width / 2, gable: false },
    { turn: Math.PI, out: depth / 2, half: width / 2, gable: false },
    { turn: Math.PI / 2, out: width / 2, half: depth / 2, gable: true },
    { turn: -Math.PI / 2, out: width / 2, half: depth / 2, gable: true },
  ];
  const walls = sides.flatMap((side) => {
    const plain = { out: side.out, from: -side.half, to: side.half, low: 0, high: height };
    return [
      side.gable
        ? gable(house, side.turn, side.out, side.half, colour)
        : wall(house, side.turn, plain, colour),
      wall(house, side.turn, { ...plain, out: side.out + 0.02, high: 0.45 }, [120, 116, 110]),
      ...openings(house, side.turn, side.out, side.half, side.turn === 0),
    ];
  });
  return [...walls, roof(house, 1), roof(house, -1)];
}

const ridgeHeight = (house: House) => house.height + house.depth * 0.38;

/** The wall under the end of the roof, up to the ridge. */
function gable(house: House, turn: number, out: number, half: number, colour: Rgb): Face {
  const base = wall(house, turn, { out, from: -half, to: half, low: 0, high: house.height }, colour);
  const place = placer({ ...house, heading: house.heading + turn });
  const shape = shapeOf(
    place(out, -half, 0),
    place(out, half, 0),
    place(out, half, house.height),
    place(out, 0, ridgeHeight(house)),
    place(out, -half, house.height),
  );
  return { ...base, shapes: [shape] };
}

/** Windows in rows, and a door in the front: all of one colour as one face, to be filled at once. */
function openings(house: House, turn: number, out: number, half: number, hasDoor: boolean): Face[] {
  const across = Math.max(1, Math.floor((2 * half - 1) / 2.9));
  const doorPlace = hasDoor ? Math.floor(across / 2) : -1;
  const middleOf = (number: number) => ((number + 0.5) / across - 0.5) * (2 * half - 0.6);
  const rows = house.height > 5 ? [1.1, 3.5] : [1.3];
  const windows = rows.flatMap((low, row) =>
    Array.from({ length: across }, (_, number) => ({ low, row, number })).filter(
      (window) => window.row > 0 || window.number !== doorPlace,
    ),
  );
  const pane = (low: number, from: number, to: number, edge: number, colour: Rgb) =>
    wall(house, turn, { out: out + 0.03, from, to, low: low - edge, high: low + 1.3 + edge }, colour);
  const frames = windows.map(({ low, number }) => {
    const middle = middleOf(number);
    return pane(low, middle - 0.72, middle + 0.72, 0.12, FRAME);
  });
  const glass = windows.flatMap(({ low, number }) => {
    const middle = middleOf(number);
    return [
      pane(low, middle - 0.6, middle - 0.04, 0, GLASS),
      pane(low, middle + 0.04, middle + 0.6, 0, GLASS),
    ];
  });
  const door = { out: out + 0.03, from: middleOf(doorPlace) - 0.6, to: middleOf(doorPlace) + 0.6 };
  return [
    ...merged(frames).map((face) => ({ ...face, seenTo: FRAMES_TO })),
    ...merged(glass),
    ...(hasDoor ? [wall(house, turn, { ...door, low: 0.1, high: 2.3 }, DOOR)] : []),
  ];
}

/** Faces of one wall and colour as one. */
function merged(faces: Face[]): Face[] {
  const [first] = faces;
  return first ? [{ ...first, shapes: faces.flatMap((face) => face.shapes) }] : [];
}

/** One plane of the roof. @param side 1 towards the front, −1 towards the back */
function roof(house: House, side: 1 | -1): Face {
  const place = placer(house);
  const half = house.width / 2 + EAVES;
  const slope = (ridgeHeight(house) - house.height) / (house.depth / 2);
  const eave = house.depth / 2 + EAVES;
  const low = house.height - EAVES * slope;
  const [x, y, z] = place(side * eave, 0, low);
  const facing = house.heading + (side === 1 ? 0 : Math.PI);
  const length = Math.hypot(slope, 1);
  return {
    shapes: [
      shapeOf(
        place(side * eave, -half, low),
        place(side * eave, half, low),
        place(0, half, ridgeHeight(house)),
        place(0, -half, ridgeHeight(house)),
      ),
    ],
    colour: ROOF,
    light: 0.25 + 0.75 * wallLight(facing),
    x,
    y,
    z,
    normal: [(Math.cos(facing) * slope) / length, (Math.sin(facing) * slope) / length, 1 / length],
  };
}

/** A box that stands: its four walls. @param along @param across half sizes, m */
export function boxFaces(
  at: { x: number; y: number; heading: number },
  box: { along: number; across: number; low: number; high: number },
  colour: Rgb,
): Face[] {
  const { low, high } = box;
  return [0, 1, 2, 3].map((quarter) => {
    const [out, half] = quarter % 2 === 0 ? [box.along, box.across] : [box.across, box.along];
    return wall(at, (quarter * Math.PI) / 2, { out, from: -half, to: half, low, high }, colour);
  });
}

/** What a house shades: its footprint, drawn out away from the sun. */
export function houseShadow(house: House, dx: number, dy: number): Shape {
  const place = placer(house);
  const corners = [
    [1, 1],
    [1, -1],
    [-1, -1],
    [-1, 1],
  ].map(([ahead = 0, left = 0]) => place((ahead * house.depth) / 2, (left * house.width) / 2, 0));
  const points = corners.flatMap(([x, y]): [number, number][] => [
    [x, y],
    [x + dx * house.height, y + dy * house.height],
  ]);
  return shapeOf(...convexHull(points).map(([x, y]): Place => [x, y, 0]));
}

/** Andrew's monotone chain. */
function convexHull(points: [number, number][]): [number, number][] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const chain = (ordered: [number, number][]) => {
    const kept: [number, number][] = [];
    for (const point of ordered) {
      for (;;) {
        const [a, b] = [kept.at(-2), kept.at(-1)];
        if (!a || !b || (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) > 0) break;
        kept.pop();
      }
      kept.push(point);
    }
    return kept.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.reverse())];
}
