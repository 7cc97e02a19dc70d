/**
 * Where the car is, shared between the thread that moves it and the camera's thread.
 *
 * A SharedArrayBuffer of five Float64. There is no lock: a reader that meets a writer sees parts of
 * two states that are one step of 10 ms apart, which no picture shows.
 */

/** Centre of the rear axle in m, heading in rad counter-clockwise from east, front wheels in rad positive left, m/s. */
export interface Pose {
  x: number;
  y: number;
  heading: number;
  steeringAngle: number;
  speed: number;
}

const FIELDS = 5;

export function createPoseBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT);
}

export function writePose(buffer: SharedArrayBuffer, pose: Pose): void {
  new Float64Array(buffer).set([pose.x, pose.y, pose.heading, pose.steeringAngle, pose.speed]);
}

export function readPose(buffer: SharedArrayBuffer): Pose {
  const [x = 0, y = 0, heading = 0, steeringAngle = 0, speed = 0] = new Float64Array(buffer);
  return { x, y, heading, steeringAngle, speed };
}
