/**
 * The pinhole camera of the simulated car: from the world's metres to the picture's pixels.
 *
 * Shapes become SVG path strings, since one call with a long string costs the canvas a sixth of what
 * the calls of `moveTo` and `lineTo` cost. Their unit is 1/{@link SUBPIXELS} pixel, so that the
 * numbers in them are whole and short: draw them under that scale.
 */
import type { Pose } from './pose.ts';

/** Path units in a pixel. */
export const SUBPIXELS = 8;
/** What is nearer than this is cut off, m. */
const NEAR = 0.4;
/** Horizontal. */
const FIELD_OF_VIEW = (70 * Math.PI) / 180;
/** The driver's eye: above the ground, before the rear axle, left of the car's middle, m. */
export const EYE = { height: 1.25, forward: 1.3, left: 0.35 };
/** Where the horizon lies, share of the picture's height from above; the camera looks down a little. */
const HORIZON = 0.44;

/** A place in the world, m. */
export type Place = readonly [x: number, y: number, z: number];

/** A flat shape's corners one after another: x, y, z, x, y, z, …; a typed array is read fastest. */
export type Shape = Float64Array;

/** The shape between places. */
export function shapeOf(...places: Place[]): Shape {
  return Float64Array.from(places.flat());
}

/** What is at a distance and where it is on the picture. */
export interface Spot {
  /** Along the view, m. */
  depth: number;
  /** Pixels. */
  x: number;
  y: number;
  /** Pixels a metre is long there. */
  scale: number;
}

export class Camera {
  readonly width: number;
  readonly height: number;
  /** Focal length, pixels. */
  readonly focal: number;
  /** Pixels from above. */
  readonly horizon: number;
  /** Where the eye is and looks. */
  x = 0;
  y = 0;
  heading = 0;
  private cos = 1;
  private sin = 0;

  /** @param width @param height of the picture in pixels */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.focal = width / 2 / Math.tan(FIELD_OF_VIEW / 2);
    this.horizon = Math.round(height * HORIZON);
  }

  /** Takes the driver's seat of a car. */
  place(pose: Pose): void {
    this.cos = Math.cos(pose.heading);
    this.sin = Math.sin(pose.heading);
    this.heading = pose.heading;
    this.x = pose.x + this.cos * EYE.forward - this.sin * EYE.left;
    this.y = pose.y + this.sin * EYE.forward + this.cos * EYE.left;
  }

  /** Distance along the view, m; negative behind. */
  depth(x: number, y: number): number {
    return (x - this.x) * this.cos + (y - this.y) * this.sin;
  }

  /** Distance to the right of the view's axis, m. */
  right(x: number, y: number): number {
    return (x - this.x) * this.sin - (y - this.y) * this.cos;
  }

  /** Whether something round may be in the picture. @param radius m */
  sees(x: number, y: number, radius: number): boolean {
    const depth = this.depth(x, y) + radius;
    return depth > NEAR && Math.abs(this.right(x, y)) - radius * 1.3 < (depth * this.width) / 2 / this.focal;
  }

  /** A place on the picture; null when it is behind the near plane. */
  spot(x: number, y: number, z: number): Spot | null {
    const depth = this.depth(x, y);
    if (depth < NEAR) return null;
    const scale = this.focal / depth;
    return {
      depth,
      x: this.width / 2 + this.right(x, y) * scale,
      y: this.horizon + (EYE.height - z) * scale,
      scale,
    };
  }

  /** A shape's outline, cut at the near plane (Sutherland and Hodgman); empty when nothing is in view. */
  outline(shape: Shape): string {
    const last = shape.length - 3;
    let text = '';
    let beforeDepth = this.depth(shape[last] as number, shape[last + 1] as number);
    let beforeRight = this.right(shape[last] as number, shape[last + 1] as number);
    let beforeZ = shape[last + 2] as number;
    for (let i = 0; i <= last; i += 3) {
      const depth = this.depth(shape[i] as number, shape[i + 1] as number);
      const right = this.right(shape[i] as number, shape[i + 1] as number);
      const z = shape[i + 2] as number;
      if (depth > NEAR !== beforeDepth > NEAR) {
        const part = (NEAR - beforeDepth) / (depth - beforeDepth);
        const cutRight = beforeRight + part * (right - beforeRight);
        text += (text === '' ? 'M' : 'L') + this.point(NEAR, cutRight, beforeZ + part * (z - beforeZ));
      }
      if (depth > NEAR) text += (text === '' ? 'M' : 'L') + this.point(depth, right, z);
      beforeDepth = depth;
      beforeRight = right;
      beforeZ = z;
    }
    return text === '' ? '' : `${text}Z`;
  }

  private point(depth: number, right: number, z: number): string {
    const scale = (this.focal / depth) * SUBPIXELS;
    const x = Math.round((this.width * SUBPIXELS) / 2 + right * scale);
    const y = Math.round(this.horizon * SUBPIXELS + (EYE.height - z) * scale);
    return `${x} ${y}`;
  }
}
