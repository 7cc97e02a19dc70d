/** The way a car has taken. Pure. */
import type { Telemetry } from '../../../shared/messages.ts';

export interface Position {
  latitude: number;
  longitude: number;
  /** Degrees clockwise from north; null when the car doesn't know. */
  heading: number | null;
}

/** Points that are kept: some three kilometres. */
const MAX_POINTS = 4_000;
/** A car that stands makes no points, m. */
const LEAST_STEP_M = 0.7;
const METRES_PER_DEGREE = 111_320;

/** Null when the telemetry has no position. */
export function positionOf(telemetry: Telemetry | null): Position | null {
  const values = telemetry?.values ?? {};
  const latitude = values['Vehicle.CurrentLocation.Latitude'];
  const longitude = values['Vehicle.CurrentLocation.Longitude'];
  const heading = values['Vehicle.CurrentLocation.Heading'];
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return null;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return null;
  return { latitude, longitude, heading: typeof heading === 'number' ? heading : null };
}

/** The track with one more point; the same object when the car has hardly moved. */
export function extend(track: Position[], to: Position): Position[] {
  const last = track.at(-1);
  if (last && metres(last, to) < LEAST_STEP_M) return track;
  return [...track.slice(-MAX_POINTS + 1), to];
}

/** Good for the short distances it is used for. */
export function metres(from: Position, to: Position): number {
  const north = (to.latitude - from.latitude) * METRES_PER_DEGREE;
  const east =
    (to.longitude - from.longitude) * METRES_PER_DEGREE * Math.cos((from.latitude * Math.PI) / 180);
  return Math.hypot(north, east);
}
