/** Colours, the light and the haze of the simulated world, and the brush that fills many shapes at once. */
import { type Canvas, createCanvas, Path2D, type SKRSContext2D } from '@napi-rs/canvas';
import { type Camera, type Shape, SUBPIXELS } from './camera.ts';

export type Rgb = readonly [red: number, green: number, blue: number];

/** What everything fades to with distance. */
export const HAZE: Rgb = [196, 212, 222];
/** Towards the sun, in the plane, radians; it stands in the south-west. */
export const SUN_HEADING = (-125 * Math.PI) / 180;
/** The share of haze at 100 m and at most. */
const HAZE_AT_100_M = 0.22;
const MOST_HAZE = 0.62;

/** How much of a thing the haze takes, 0…1. @param depth m */
export function hazeAt(depth: number): number {
  return Math.min(MOST_HAZE, 1 - (1 - HAZE_AT_100_M) ** (Math.max(0, depth) / 100));
}

/** A colour in light and haze. @param light 1 is as given, less is darker @param haze 0…1 */
export function tone(colour: Rgb, light: number, haze = 0): string {
  const part = (index: 0 | 1 | 2) =>
    Math.min(255, Math.round(colour[index] * light * (1 - haze) + HAZE[index] * haze));
  return `rgb(${part(0)},${part(1)},${part(2)})`;
}

/** Light on an upright wall, by the direction that it faces, radians. */
export function wallLight(facing: number): number {
  return 0.78 + 0.26 * Math.cos(facing - SUN_HEADING);
}

/** From hue in degrees, saturation and lightness 0…1. */
export function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const part = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** Fills the outlines of shapes as one path with one style. */
export function fillShapes(
  context: SKRSContext2D,
  camera: Camera,
  shapes: Iterable<Shape>,
  style: string,
): void {
  let path = '';
  for (const shape of shapes) path += camera.outline(shape);
  fillPath(context, path, style);
}

/** Fills a path in units of 1/{@link SUBPIXELS} pixel; the context must be scaled so. */
export function fillPath(context: SKRSContext2D, path: string, style: string): void {
  if (path === '') return;
  context.fillStyle = style;
  context.fill(new Path2D(path));
}

/** The context draws in pixels. */
export function inPixels(context: SKRSContext2D): void {
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** The context draws paths of a {@link Camera}. */
export function inSubpixels(context: SKRSContext2D): void {
  context.setTransform(1 / SUBPIXELS, 0, 0, 1 / SUBPIXELS, 0, 0);
}

/** A picture drawn once, to be copied into every frame. */
export function sprite(width: number, height: number, draw: (context: SKRSContext2D) => void): Canvas {
  const canvas = createCanvas(width, height);
  draw(canvas.getContext('2d'));
  return canvas;
}
