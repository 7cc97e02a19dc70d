/** The background: sky, sun, clouds, distant hills and the far edge of the grass. */
import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { type Camera, SUBPIXELS } from './camera.ts';
import { GRASS } from './ground.ts';
import { fillPath, inPixels, inSubpixels, type Rgb, SUN_HEADING, sprite, tone } from './paint.ts';
import { wrapAngle } from './track.ts';
import { randomNumbers } from './world.ts';

/** Distance between two points of a hill line, pixels. */
const HILL_STEP = 16;

/** A line of hills all around: each wave has so many crests in the full circle. */
interface Hills {
  colour: Rgb;
  haze: number;
  /** Mean height and the waves' heights as tangents of the elevation. */
  base: number;
  waves: readonly { crests: number; height: number; phase: number }[];
}

const HILLS: readonly Hills[] = [
  {
    colour: [112, 138, 170],
    haze: 0.55,
    base: 0.075,
    waves: [
      { crests: 5, height: 0.03, phase: 0.4 },
      { crests: 11, height: 0.016, phase: 2 },
      { crests: 31, height: 0.005, phase: 1 },
    ],
  },
  {
    colour: [96, 130, 104],
    haze: 0.42,
    base: 0.035,
    waves: [
      { crests: 7, height: 0.016, phase: 3 },
      { crests: 17, height: 0.009, phase: 0.5 },
      { crests: 53, height: 0.002, phase: 2.2 },
    ],
  },
  {
    colour: [72, 104, 66],
    haze: 0.3,
    base: 0.014,
    waves: [
      { crests: 23, height: 0.004, phase: 1.4 },
      { crests: 97, height: 0.0022, phase: 0 },
      { crests: 211, height: 0.0016, phase: 4 },
    ],
  },
];

/** Prepares the background; the result draws it over the whole picture. */
export function createSky(context: SKRSContext2D, camera: Camera): () => void {
  const backdrop = makeBackdrop(camera);
  const clouds = makeClouds();
  const glow = makeGlow();
  return () => {
    inPixels(context);
    context.drawImage(backdrop, 0, 0);
    stamp(context, camera, glow, SUN_HEADING, 0.3, 0.9);
    for (const cloud of clouds) stamp(context, camera, cloud.picture, cloud.heading, cloud.up, cloud.width);
    inSubpixels(context);
    for (const hills of HILLS) {
      fillPath(context, hillPath(camera, hills), tone(hills.colour, 1, hills.haze));
    }
  };
}

function makeBackdrop(camera: Camera): Canvas {
  return sprite(camera.width, camera.height, (context) => {
    const sky = context.createLinearGradient(0, 0, 0, camera.horizon);
    sky.addColorStop(0, '#5b9bd8');
    sky.addColorStop(0.55, '#9cc5e8');
    sky.addColorStop(1, '#e3ecef');
    context.fillStyle = sky;
    context.fillRect(0, 0, camera.width, camera.horizon);
    context.fillStyle = tone(GRASS, 1);
    context.fillRect(0, camera.horizon, camera.width, camera.height - camera.horizon);
  });
}

/** A picture at an angle of the sky. @param up and @param width are tangents of the angles */
function stamp(
  context: SKRSContext2D,
  camera: Camera,
  picture: Canvas,
  heading: number,
  up: number,
  width: number,
): void {
  const turn = wrapAngle(heading - camera.heading);
  if (Math.abs(turn) > 1.2) return;
  const x = camera.width / 2 - Math.tan(turn) * camera.focal;
  const size = width * camera.focal;
  if (x + size / 2 < 0 || x - size / 2 > camera.width) return;
  const height = (size * picture.height) / picture.width;
  const y = camera.horizon - (up * camera.focal) / Math.cos(turn);
  context.drawImage(picture, x - size / 2, y - height / 2, size, height);
}

function hillPath(camera: Camera, hills: Hills): string {
  const bottom = (camera.horizon + 1) * SUBPIXELS;
  let path = `M0 ${bottom}`;
  for (let x = 0; x <= camera.width + HILL_STEP; x += HILL_STEP) {
    const turn = Math.atan((camera.width / 2 - x) / camera.focal);
    let up = hills.base;
    for (const wave of hills.waves) {
      up += wave.height * Math.sin(wave.crests * (camera.heading + turn) + wave.phase);
    }
    const y = camera.horizon - (Math.max(0, up) * camera.focal) / Math.cos(turn);
    path += `L${x * SUBPIXELS} ${Math.round(y * SUBPIXELS)}`;
  }
  return `${path}L${(camera.width + HILL_STEP) * SUBPIXELS} ${bottom}Z`;
}

interface Cloud {
  picture: Canvas;
  heading: number;
  up: number;
  width: number;
}

function makeClouds(): Cloud[] {
  const COUNT = 13;
  const random = randomNumbers(5);
  const pictures = [0, 1, 2].map(() => cloudPicture(random));
  return Array.from({ length: COUNT }, (_, index) => ({
    picture: pictures[index % pictures.length] as Canvas,
    heading: (index / COUNT) * 2 * Math.PI + (random() - 0.5) * 0.4,
    up: 0.2 + random() * 0.2,
    width: 0.28 + random() * 0.3,
  }));
}

/** Soft balls in a heap, flat below, their undersides a little grey. */
function cloudPicture(random: () => number): Canvas {
  return sprite(240, 90, (context) => {
    for (let ball = 0; ball < 60; ball++) {
      const across = (random() + random() + random()) / 1.5 - 1;
      const radius = (10 + random() * 16) * (1 - 0.6 * Math.abs(across));
      const rise = random() * 34 * (1 - across ** 2);
      const [x, y] = [120 + across * 96, 68 - radius * 0.4 - rise];
      const grey = Math.round(235 + Math.min(20, rise));
      const soft = context.createRadialGradient(x, y, 0, x, y, radius);
      soft.addColorStop(0, `rgba(${grey},${grey},255,0.5)`);
      soft.addColorStop(0.5, `rgba(${grey},${grey},252,0.3)`);
      soft.addColorStop(1, 'rgba(245,248,252,0)');
      context.fillStyle = soft;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
  });
}

function makeGlow(): Canvas {
  return sprite(128, 128, (context) => {
    const glow = context.createRadialGradient(64, 64, 0, 64, 64, 64);
    glow.addColorStop(0, 'rgba(255,252,235,0.95)');
    glow.addColorStop(0.12, 'rgba(255,248,220,0.7)');
    glow.addColorStop(0.4, 'rgba(255,244,210,0.22)');
    glow.addColorStop(1, 'rgba(255,244,210,0)');
    context.fillStyle = glow;
    context.fillRect(0, 0, 128, 128);
  });
}
