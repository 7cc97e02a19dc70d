/** Pictures of what is drawn as an upright picture: trees, bushes, cones and delineator posts. */
import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { HAZE, hsl, type Rgb, sprite, tone } from './paint.ts';
import { randomNumbers } from './world.ts';

/** A picture in several sizes, each half of the one before, and for each of them in several strengths of haze. */
export interface Billboard {
  sizes: { clear: Canvas; hazed: (Canvas | undefined)[] }[];
  /** Width / height. */
  aspect: number;
}

/** Steps of haze between none and all; fine enough that a change is not seen. */
const HAZE_STEPS = 24;
/** Heights smaller than this need no smaller picture, pixels. */
const SMALLEST = 12;

export interface Billboards {
  trees: Billboard[];
  bushes: Billboard[];
  cone: Billboard;
  post: Billboard;
}

export function createBillboards(): Billboards {
  const random = randomNumbers(11);
  return {
    trees: [
      billboard(200, 256, (context) => drawBroadleaf(context, random, 96)),
      billboard(136, 256, (context) => drawConifer(context, random)),
      billboard(176, 256, (context) => drawBroadleaf(context, random, 72)),
    ],
    bushes: [78, 95, 112].map((hue) => billboard(160, 96, (context) => drawBush(context, random, hue))),
    cone: billboard(64, 96, drawCone),
    post: billboard(16, 96, drawPost),
  };
}

function billboard(width: number, height: number, draw: (context: SKRSContext2D) => void): Billboard {
  let clear = sprite(width, height, draw);
  const sizes: Billboard['sizes'] = [{ clear, hazed: [] }];
  while (clear.height / 2 >= SMALLEST) {
    const larger = clear;
    clear = sprite(Math.ceil(larger.width / 2), larger.height / 2, (context) => {
      context.imageSmoothingQuality = 'high';
      context.drawImage(larger, 0, 0, larger.width / 2, larger.height / 2);
    });
    sizes.push({ clear, hazed: [] });
  }
  return { sizes, aspect: width / height };
}

/**
 * The smallest of a billboard's pictures that is not much enlarged.
 * @param height on the picture, pixels @param haze 0…1
 */
export function pictureFor(billboard: Billboard, height: number, haze: number): Canvas {
  let best = billboard.sizes[0] as Billboard['sizes'][number];
  for (const size of billboard.sizes) if (size.clear.height >= height * 0.8) best = size;
  const level = Math.round(haze * HAZE_STEPS);
  if (level === 0) return best.clear;
  const picture = best.hazed[level] ?? inHaze(best.clear, level / HAZE_STEPS);
  best.hazed[level] = picture;
  return picture;
}

function inHaze(clear: Canvas, haze: number): Canvas {
  return sprite(clear.width, clear.height, (context) => {
    context.drawImage(clear, 0, 0);
    context.globalCompositeOperation = 'source-atop';
    context.globalAlpha = haze;
    context.fillStyle = tone(HAZE, 1);
    context.fillRect(0, 0, clear.width, clear.height);
  });
}

/** Light falls from the upper left. */
function leaves(
  context: SKRSContext2D,
  random: () => number,
  crown: { x: number; y: number; rx: number; ry: number; hue: number; count: number; size: number },
): void {
  for (let leaf = 0; leaf < crown.count; leaf++) {
    // From the back, dark and wide, to the front, light and towards the sun.
    const front = leaf / crown.count;
    const angle = random() * 2 * Math.PI;
    const out = Math.sqrt(random()) * (1 - 0.3 * front);
    const x = crown.x + Math.cos(angle) * out * crown.rx - front * crown.rx * 0.16;
    const y = crown.y + Math.sin(angle) * out * crown.ry - front * crown.ry * 0.2;
    const upLeft = (-Math.cos(angle) * out - Math.sin(angle) * out) * 0.5;
    const lightness = 0.17 + 0.15 * front + 0.08 * upLeft + 0.04 * random();
    const colour = hsl(crown.hue + random() * 14 - 7, 0.42, lightness);
    disc(context, x, y, crown.size * (0.6 + 0.6 * random()) * (1.15 - 0.5 * front), colour);
  }
}

function disc(context: SKRSContext2D, x: number, y: number, radius: number, colour: Rgb): void {
  context.fillStyle = tone(colour, 1);
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function drawBroadleaf(context: SKRSContext2D, random: () => number, hue: number): void {
  const { width, height } = context.canvas;
  const trunk = context.createLinearGradient(width * 0.46, 0, width * 0.54, 0);
  trunk.addColorStop(0, '#7a6248');
  trunk.addColorStop(1, '#43352a');
  context.fillStyle = trunk;
  context.beginPath();
  context.moveTo(width * 0.47, height * 0.5);
  context.lineTo(width * 0.53, height * 0.5);
  context.lineTo(width * 0.55, height);
  context.lineTo(width * 0.45, height);
  context.fill();
  const crown = { x: width / 2, y: height * 0.4, rx: width * 0.4, ry: height * 0.32, hue };
  leaves(context, random, { ...crown, count: 420, size: width * 0.055 });
}

function drawConifer(context: SKRSContext2D, random: () => number): void {
  const { width, height } = context.canvas;
  context.fillStyle = '#4a3a2c';
  context.fillRect(width * 0.46, height * 0.85, width * 0.08, height * 0.15);
  const LAYERS = 11;
  for (let layer = LAYERS; layer >= 0; layer--) {
    const top = height * (0.02 + (0.8 * layer) / (LAYERS + 1));
    const half = width * (0.06 + (0.42 * (layer + 1)) / (LAYERS + 1));
    for (const [side, lightness] of [
      [1, 0.15],
      [-1, 0.23],
    ] as const) {
      context.fillStyle = tone(hsl(128 + random() * 10, 0.28, lightness + random() * 0.03), 1);
      context.beginPath();
      context.moveTo(width / 2, top);
      context.lineTo(width / 2 + side * half, top + height * 0.13);
      context.lineTo(width / 2 + side * half * 0.55, top + height * 0.115);
      context.lineTo(width / 2, top + height * 0.145);
      context.fill();
    }
  }
}

function drawBush(context: SKRSContext2D, random: () => number, hue: number): void {
  const { width, height } = context.canvas;
  leaves(context, random, {
    x: width / 2,
    y: height * 0.62,
    rx: width * 0.42,
    ry: height * 0.36,
    hue,
    count: 160,
    size: width * 0.06,
  });
}

function drawCone(context: SKRSContext2D): void {
  const shade = context.createLinearGradient(8, 0, 56, 0);
  shade.addColorStop(0, '#ff8a3c');
  shade.addColorStop(1, '#c8400a');
  context.fillStyle = shade;
  context.fillRect(4, 86, 56, 10);
  const band = (from: number, to: number) => {
    const half = (y: number) => 3 + (y / 88) * 17;
    context.beginPath();
    context.moveTo(32 - half(from), from);
    context.lineTo(32 + half(from), from);
    context.lineTo(32 + half(to), to);
    context.lineTo(32 - half(to), to);
    context.fill();
  };
  band(2, 88);
  context.fillStyle = '#f4f2ec';
  band(22, 38);
  band(54, 70);
}

function drawPost(context: SKRSContext2D): void {
  const shade = context.createLinearGradient(2, 0, 14, 0);
  shade.addColorStop(0, '#fafaf6');
  shade.addColorStop(1, '#b9bab8');
  context.fillStyle = shade;
  context.fillRect(3, 2, 10, 94);
  context.fillStyle = '#25262a';
  context.fillRect(3, 12, 10, 24);
  context.fillStyle = '#f2a33a';
  context.fillRect(5, 16, 6, 16);
}
