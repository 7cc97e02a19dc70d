/** Signs and gantries: their painted panels in perspective, and what carries them. */
import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { boxFaces, drawFaces, type Face } from './buildings.ts';
import type { Camera } from './camera.ts';
import { letter } from './lettering.ts';
import { HAZE, hazeAt, inSubpixels, type Rgb, sprite, tone } from './paint.ts';
import { ROAD_WIDTH } from './track.ts';
import type { SignShape, Thing } from './world.ts';

type Sign = Extract<Thing, { kind: 'sign' }>;
type Gantry = Extract<Thing, { kind: 'gantry' }>;

/** An upright rectangle with a picture on its front. */
interface Panel {
  x: number;
  y: number;
  /** Where its front faces. */
  heading: number;
  width: number;
  low: number;
  high: number;
  picture: Canvas;
  /** Whether the picture fills its rectangle, so that haze can be laid over it. */
  hazy: boolean;
}

/** A sign or gantry, ready to be drawn. */
export interface Painted {
  behind: Face[];
  panel: Panel;
}

const STEEL: Rgb = [150, 154, 158];
const DARK: Rgb = [58, 66, 78];
/** Pieces that a panel is cut into across at most; within a piece, perspective is taken as affine. */
const MOST_PIECES = 10;

export function paintSign(sign: Sign): Painted {
  const board = sign.shape !== 'limit';
  const [width, low, high] = board ? ([1.5, 0.9, 2.1] as const) : ([0.8, 1.7, 2.5] as const);
  return {
    behind: [
      ...boxFaces(sign, { along: 0.03, across: 0.05, low: 0, high: low + 0.1 }, STEEL),
      // Of a flat box, the wall that faces away: the back of the sign.
      ...boxFaces(sign, { along: 0.02, across: width / 2, low, high }, STEEL).slice(2, 3),
    ],
    panel: { ...sign, width, low, high, picture: signPicture(sign.shape, sign.text), hazy: board },
  };
}

export function paintGantry(gantry: Gantry): Painted {
  const half = ROAD_WIDTH / 2 + 1.7;
  const leg = (side: number) => ({
    ...gantry,
    x: gantry.x - Math.sin(gantry.heading) * half * side,
    y: gantry.y + Math.cos(gantry.heading) * half * side,
  });
  const post = { along: 0.22, across: 0.22, low: 0, high: 6.4 };
  return {
    behind: [
      ...boxFaces(leg(1), post, STEEL),
      ...boxFaces(leg(-1), post, STEEL),
      ...boxFaces(gantry, { along: 0.2, across: half, low: 4.7, high: 6.2 }, DARK),
    ],
    panel: {
      x: gantry.x + Math.cos(gantry.heading) * 0.24,
      y: gantry.y + Math.sin(gantry.heading) * 0.24,
      heading: gantry.heading,
      width: 2 * half + 0.2,
      low: 4.7,
      high: 6.2,
      picture: gantryPicture(gantry.text),
      hazy: true,
    },
  };
}

/** Draws what carries the panel and, from the front, its picture. In path units before and after. */
export function drawPainted(context: SKRSContext2D, camera: Camera, { behind, panel }: Painted): void {
  drawFaces(context, camera, behind);
  const fromFront =
    (camera.x - panel.x) * Math.cos(panel.heading) + (camera.y - panel.y) * Math.sin(panel.heading);
  if (fromFront < 0) return;
  drawPicture(context, camera, panel, hazeAt(camera.depth(panel.x, panel.y)));
  inSubpixels(context);
}

function drawPicture(context: SKRSContext2D, camera: Camera, panel: Panel, haze: number): void {
  const { picture } = panel;
  // Seen from the front, the picture's left is on the panel's own right.
  const edge = (part: number) => {
    const across = (part - 0.5) * panel.width;
    const x = panel.x - Math.sin(panel.heading) * across;
    const y = panel.y + Math.cos(panel.heading) * across;
    return { top: camera.spot(x, y, panel.high), bottom: camera.spot(x, y, panel.low) };
  };
  const nearness = panel.width / Math.max(1, camera.depth(panel.x, panel.y));
  const pieces = Math.min(MOST_PIECES, Math.ceil(nearness * MOST_PIECES));
  let from = edge(0);
  for (let piece = 0; piece < pieces; piece++) {
    const to = edge((piece + 1) / pieces);
    if (from.top && from.bottom && to.top && to.bottom) {
      const width = to.top.x - from.top.x;
      const height = (from.bottom.y + to.bottom.y - from.top.y - to.top.y) / 2;
      context.setTransform(width, to.top.y - from.top.y, 0, height, from.top.x, from.top.y);
      const left = (piece * picture.width) / pieces;
      // Half a pixel more on the right, so that no seam shows between two pieces.
      const overlap = 1 + 0.5 / Math.max(1, width);
      context.drawImage(picture, left, 0, picture.width / pieces, picture.height, 0, 0, overlap, 1);
      // A haze over the whole rectangle; a round sign would get corners of it.
      if (panel.hazy && haze > 0.05) {
        context.globalAlpha = haze;
        context.fillStyle = tone(HAZE, 1);
        context.fillRect(0, 0, 1, 1);
        context.globalAlpha = 1;
      }
    }
    from = to;
  }
}

function gantryPicture(text: string): Canvas {
  return sprite(800, 112, (context) => {
    context.fillStyle = '#17395c';
    context.fillRect(0, 0, 800, 112);
    const SQUARE = 14;
    for (let column = 0; column < 800 / SQUARE; column++) {
      for (let row = 0; row < 2; row++) {
        context.fillStyle = (column + row) % 2 === 0 ? '#f2f2ee' : '#1c1e22';
        context.fillRect(column * SQUARE, 112 - 2 * SQUARE + row * SQUARE, SQUARE, SQUARE);
      }
    }
    letter(context, text, 400, 42, 56, '#ffffff');
  });
}

function signPicture(shape: SignShape, text: string): Canvas {
  if (shape === 'limit') {
    return sprite(96, 96, (context) => {
      ring(context, 47, '#c8242c');
      ring(context, 36, '#fbfbf8');
      letter(context, text, 48, 48, 36, '#1b1c20');
    });
  }
  return sprite(150, 120, (context) => {
    context.fillStyle = '#f6f6f2';
    context.fillRect(0, 0, 150, 120);
    context.fillStyle = shape === 'board' ? '#1d5fa8' : '#c8242c';
    context.fillRect(4, 4, 142, 112);
    if (shape === 'board') letter(context, text, 75, 60, 72, '#ffffff');
    else chevrons(context, shape === 'arrowLeft' ? -1 : 1);
  });
}

function ring(context: SKRSContext2D, radius: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(48, 48, radius, 0, 2 * Math.PI);
  context.fill();
}

function chevrons(context: SKRSContext2D, direction: 1 | -1): void {
  context.fillStyle = '#f8f8f4';
  for (const offset of [-34, 18]) {
    const x = (along: number) => 75 + direction * (offset + along);
    context.beginPath();
    context.moveTo(x(-18), 8);
    context.lineTo(x(4), 8);
    context.lineTo(x(34), 60);
    context.lineTo(x(4), 112);
    context.lineTo(x(-18), 112);
    context.lineTo(x(12), 60);
    context.fill();
  }
}
