/** Draws the ground: bands and tufts in the grass, the road with its markings, shadows and the haze. */
import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { type Camera, EYE, type Shape, SUBPIXELS } from './camera.ts';
import { fillShapes, HAZE, hazeAt, type Rgb, sprite, tone } from './paint.ts';
import { CHUNK_RADIUS, type Chunk, makeChunks } from './road.ts';

/** Beyond these the small things are left out and bends drawn with fewer corners, m; it shows no more there. */
const LINES_TO = 110;
const FINE_TO = 45;
const TEXTURE_TO = 30;
/** Share of the rows below the horizon in which haze is to be seen. */
const HAZE_ROWS = 0.4;

export const GRASS: Rgb = [112, 146, 66];
const GRASS_BAND: Rgb = [99, 134, 58];
const TUFT: Rgb = [80, 116, 46];
const TUFT_BRIGHT: Rgb = [150, 172, 84];
const SHOULDER: Rgb = [158, 149, 120];
const ASPHALT: Rgb = [98, 100, 105];
const ASPHALT_DARK: Rgb = [86, 88, 93];
const ASPHALT_LIGHT: Rgb = [109, 111, 115];
const MARKING: Rgb = [238, 238, 232];
const KERB_RED: Rgb = [188, 52, 46];

/**
 * Prepares the ground; the result draws it on the grass that is there already, in path units.
 * Its colours are plain; the haze is laid over all of it at once.
 */
export function createGround(context: SKRSContext2D, camera: Camera): (shadows: Iterable<Shape>) => void {
  const chunks = makeChunks();
  const haze = makeHaze(camera);
  const fill = (from: Chunk[], shapes: (chunk: Chunk) => Shape[], colour: Rgb) =>
    fillShapes(context, camera, from.flatMap(shapes), tone(colour, 1));

  return (shadows) => {
    const seen = chunks.filter((chunk) => camera.sees(chunk.x, chunk.y, CHUNK_RADIUS));
    const within = (limit: number) => seen.filter((chunk) => camera.depth(chunk.x, chunk.y) < limit);
    const lined = within(LINES_TO);
    const textured = within(TEXTURE_TO);
    const surface = (chunk: Chunk) => (camera.depth(chunk.x, chunk.y) < FINE_TO ? chunk.fine : chunk.coarse);
    fill(lined, (chunk) => surface(chunk).bands, GRASS_BAND);
    fill(textured, (chunk) => chunk.tufts, TUFT);
    fill(textured, (chunk) => chunk.brightTufts, TUFT_BRIGHT);
    fill(seen, (chunk) => [surface(chunk).shoulders], SHOULDER);
    fill(seen, (chunk) => [surface(chunk).road], ASPHALT);
    fill(textured, (chunk) => chunk.darkPatches, ASPHALT_DARK);
    fill(textured, (chunk) => chunk.lightPatches, ASPHALT_LIGHT);
    fill(lined, (chunk) => surface(chunk).white, MARKING);
    fill(lined, (chunk) => surface(chunk).redKerbs, KERB_RED);
    fillShapes(context, camera, shadows, 'rgba(24,36,20,0.3)');
    context.drawImage(haze, 0, camera.horizon * SUBPIXELS, haze.width * SUBPIXELS, haze.height * SUBPIXELS);
  };
}

/** On a plane, depth and so haze depend on the picture's row alone: one picture for all. */
function makeHaze(camera: Camera): Canvas {
  const rows = Math.round((camera.height - camera.horizon) * HAZE_ROWS);
  return sprite(camera.width, rows, (context) => {
    context.fillStyle = tone(HAZE, 1);
    for (let row = 0; row < rows; row++) {
      context.globalAlpha = hazeAt((EYE.height * camera.focal) / (row + 0.5)) * (1 - row / rows);
      context.fillRect(0, row, camera.width, 1);
    }
  });
}
