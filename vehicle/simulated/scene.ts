/** The simulated camera's picture: the world as the driver sees it, with the capture time in its corner. */
import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import { TIMECODE_SIZE, TIMECODE_SQUARE, timecodeSquares } from '../../shared/timecode.ts';
import { drawFaces, houseFaces, houseShadow } from './buildings.ts';
import { Camera, type Place, type Shape, SUBPIXELS, shapeOf } from './camera.ts';
import { createCockpit } from './cockpit.ts';
import { createGround } from './ground.ts';
import { fillPath, hazeAt, inPixels, inSubpixels, SUN_HEADING } from './paint.ts';
import { drawPainted, paintGantry, paintSign } from './panels.ts';
import { type Billboard, createBillboards, pictureFor } from './plants.ts';
import type { Pose } from './pose.ts';
import { createSky } from './sky.ts';
import { THINGS, type Thing } from './world.ts';

/** How far a shadow falls for each metre of height; the sun stands at about 50°. */
const SHADOW_LENGTH = 0.85;
const SHADOWS_TO = 75;
/** Small things fade away between these distances, m. */
const SMALL_FADE = { from: 55, to: 80 };
/** An upright picture fades out as the camera passes through it, m. */
const PASSING_FADE = { from: 0.8, over: 1.5 };

export interface Scene {
  readonly canvas: Canvas;
  /** Draws one picture. @param captured when, ms since the epoch */
  render(pose: Pose, captured: number): void;
}

/** A thing with how to draw it. */
interface Actor {
  x: number;
  y: number;
  /** In which it stays, m; for culling. */
  radius: number;
  shadow: Shape | null;
  draw(depth: number): void;
}

/** @param width @param height of the picture in pixels; even numbers from 320×240 */
export function createScene(width: number, height: number): Scene {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false });
  const camera = new Camera(width, height);
  const drawSky = createSky(context, camera);
  const drawGround = createGround(context, camera);
  const drawCockpit = createCockpit(context, width, height);
  const actors = makeActors(context, camera);

  return {
    canvas,
    render(pose, captured) {
      camera.place(pose);
      const seen = actors
        .filter((actor) => camera.sees(actor.x, actor.y, actor.radius))
        .map((actor) => ({ actor, depth: camera.depth(actor.x, actor.y) }))
        .sort((a, b) => b.depth - a.depth);
      drawSky();
      inSubpixels(context);
      drawGround(
        seen.flatMap(({ actor, depth }) => (actor.shadow && depth < SHADOWS_TO ? [actor.shadow] : [])),
      );
      for (const { actor, depth } of seen) actor.draw(depth);
      drawCockpit(pose.steeringAngle);
      inPixels(context);
      drawTimecode(context, captured);
    },
  };
}

function makeActors(context: SKRSContext2D, camera: Camera): Actor[] {
  const billboards = createBillboards();
  const upright = (thing: Thing, billboard: Billboard, height: number, small: boolean): Actor => ({
    x: thing.x,
    y: thing.y,
    radius: height,
    shadow: shadowOf(thing, billboard, height),
    draw: () => drawUpright(context, camera, thing, billboard, height, small),
  });
  const actorOf = (thing: Thing): Actor => {
    switch (thing.kind) {
      case 'tree':
        return upright(thing, billboards.trees[thing.variant] as Billboard, thing.height, false);
      case 'bush':
        return upright(thing, billboards.bushes[thing.variant] as Billboard, thing.height, true);
      case 'cone':
        return upright(thing, billboards.cone, 0.7, true);
      case 'post':
        return upright(thing, billboards.post, 1, true);
      case 'house': {
        const faces = houseFaces(thing);
        const [dx, dy] = [-Math.cos(SUN_HEADING) * SHADOW_LENGTH, -Math.sin(SUN_HEADING) * SHADOW_LENGTH];
        return {
          ...thing,
          radius: 14,
          shadow: houseShadow(thing, dx, dy),
          draw: () => drawFaces(context, camera, faces),
        };
      }
      case 'sign':
      case 'gantry': {
        const painted = thing.kind === 'sign' ? paintSign(thing) : paintGantry(thing);
        const radius = thing.kind === 'sign' ? 1.5 : 7;
        return { ...thing, radius, shadow: null, draw: () => drawPainted(context, camera, painted) };
      }
    }
  };
  return THINGS.map(actorOf);
}

/** An ellipse on the ground, away from the sun. */
function shadowOf(thing: Thing, billboard: Billboard, height: number): Shape {
  const CORNERS = 10;
  const across = height * billboard.aspect * 0.4;
  const along = height * SHADOW_LENGTH * 0.5;
  const [cos, sin] = [Math.cos(SUN_HEADING), Math.sin(SUN_HEADING)];
  const corners = Array.from({ length: CORNERS }, (_, corner): Place => {
    const angle = (corner / CORNERS) * 2 * Math.PI;
    const away = along * 0.85 + Math.cos(angle) * along;
    const aside = Math.sin(angle) * across;
    return [thing.x - cos * away - sin * aside, thing.y - sin * away + cos * aside, 0];
  });
  return shapeOf(...corners);
}

function drawUpright(
  context: SKRSContext2D,
  camera: Camera,
  thing: Thing,
  billboard: Billboard,
  height: number,
  small: boolean,
): void {
  const foot = camera.spot(thing.x, thing.y, 0);
  if (!foot) return;
  const passing = (foot.depth - PASSING_FADE.from) / PASSING_FADE.over;
  const leaving = small ? (SMALL_FADE.to - foot.depth) / (SMALL_FADE.to - SMALL_FADE.from) : 1;
  const alpha = Math.min(1, passing, leaving);
  if (alpha <= 0) return;
  const tall = height * foot.scale;
  const wide = tall * billboard.aspect;
  const picture = pictureFor(billboard, tall, hazeAt(foot.depth));
  const left = (foot.x - wide / 2) * SUBPIXELS;
  if (alpha < 1) context.globalAlpha = alpha;
  context.drawImage(picture, left, (foot.y - tall) * SUBPIXELS, wide * SUBPIXELS, tall * SUBPIXELS);
  if (alpha < 1) context.globalAlpha = 1;
}

function drawTimecode(context: SKRSContext2D, time: number): void {
  const columns = TIMECODE_SIZE.width / TIMECODE_SQUARE;
  const size = TIMECODE_SQUARE;
  const path = timecodeSquares(time)
    .map((bright, index) => {
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      return bright ? `M${x} ${y}h${size}v${size}h-${size}Z` : '';
    })
    .join('');
  context.fillStyle = '#000000';
  context.fillRect(0, 0, TIMECODE_SIZE.width, TIMECODE_SIZE.height);
  fillPath(context, path, '#ffffff');
}
