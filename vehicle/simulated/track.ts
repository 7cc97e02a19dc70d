/**
 * The closed track: a centre line through control points, resampled to even steps.
 *
 * Coordinates of the whole simulated world: x east, y north, in metres; heading in radians,
 * counter-clockwise from east.
 */

/** One point of the centre line, in driving direction. */
export interface TrackPoint {
  x: number;
  y: number;
  /** Direction of travel, radians counter-clockwise from east. */
  heading: number;
  /** 1/radius in 1/m, positive where the track bends to the left. */
  curvature: number;
  /** Way from the first point, m. */
  distance: number;
}

/** Width of the carriageway, m; two lanes, traffic on the right. */
export const ROAD_WIDTH = 7;
/** Distance between two points of {@link TRACK}, about, m; a lap is a whole number of them. */
const ABOUT_SPACING = 2;

/** Driven counter-clockwise: a long straight, two wide bends, a chicane on the way back. */
const CONTROL_POINTS: readonly (readonly [x: number, y: number])[] = [
  [-78, 1],
  [-50, 0],
  [-20, 0],
  [10, 0],
  [40, 0],
  [70, 3],
  [93, 18],
  [100, 43],
  [88, 67],
  [62, 76],
  [36, 68],
  [12, 62],
  [-12, 72],
  [-34, 89],
  [-61, 93],
  [-87, 80],
  [-106, 53],
  [-100, 22],
];

/** The centre line; the point after the last is the first. */
export const TRACK: readonly TrackPoint[] = resample(fineCurve(CONTROL_POINTS));

/** Length of one lap, m. */
export const TRACK_LENGTH = ((TRACK.at(-1)?.distance ?? 0) * TRACK.length) / (TRACK.length - 1);

/** The point of the track that an index means, any whole number; the track is a ring. */
export function trackPoint(index: number): TrackPoint {
  const wrapped = ((index % TRACK.length) + TRACK.length) % TRACK.length;
  return TRACK[wrapped] as TrackPoint;
}

/** The place beside a track point. @param left m to the left of the centre line, negative to the right */
export function beside(point: TrackPoint, left: number): { x: number; y: number } {
  return { x: point.x - Math.sin(point.heading) * left, y: point.y + Math.cos(point.heading) * left };
}

/** Distance from a place to the nearest point of the centre line, m. */
export function distanceToTrack(x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const point of TRACK) nearest = Math.min(nearest, Math.hypot(point.x - x, point.y - y));
  return nearest;
}

/** Catmull-Rom spline through the points, closed, in steps of about 10 cm. */
function fineCurve(points: readonly (readonly [number, number])[]): [number, number][] {
  const STEPS = 300;
  const at = (index: number) => points[(index + points.length) % points.length] as readonly [number, number];
  return points.flatMap((_, i) =>
    Array.from({ length: STEPS }, (_, step): [number, number] => {
      const t = step / STEPS;
      const blend = (k: 0 | 1) => catmullRom(at(i - 1)[k], at(i)[k], at(i + 1)[k], at(i + 2)[k], t);
      return [blend(0), blend(1)];
    }),
  );
}

function catmullRom(p0: number, p1: number, p2: number, p3: number, t: number): number {
  return p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

/** Points at even distances along a fine closed curve, with direction and curvature. */
function resample(curve: [number, number][]): TrackPoint[] {
  const step = (index: number) => {
    const [x, y] = curve[index % curve.length] as [number, number];
    const [nextX, nextY] = curve[(index + 1) % curve.length] as [number, number];
    return Math.hypot(nextX - x, nextY - y);
  };
  const length = curve.reduce((sum, _, index) => sum + step(index), 0);
  const count = Math.round(length / ABOUT_SPACING);
  const spacing = length / count;

  const picked: { x: number; y: number; distance: number }[] = [];
  let distance = 0;
  for (const [index, [x, y]] of curve.entries()) {
    if (distance >= picked.length * spacing && picked.length < count) picked.push({ x, y, distance });
    distance += step(index);
  }
  const ring = (index: number) => picked[(index + picked.length) % picked.length] as (typeof picked)[number];
  const directionFrom = (index: number) =>
    Math.atan2(ring(index + 1).y - ring(index).y, ring(index + 1).x - ring(index).x);
  return picked.map((point, index) => {
    const turn = wrapAngle(directionFrom(index) - directionFrom(index - 1));
    return { ...point, heading: directionFrom(index - 1) + turn / 2, curvature: turn / spacing };
  });
}

/** An angle brought to −π…π. */
export function wrapAngle(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}
