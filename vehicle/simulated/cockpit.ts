/** What of the car itself is in view: bonnet, dashboard and steering wheel. */
import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { sprite } from './paint.ts';

/** The picture that the sizes below are meant for; others are scaled. */
const DESIGN = { width: 640, height: 480 };
/** Turns of the steering wheel for one of the front wheels; full lock is one and a half turns. */
const STEERING_RATIO = 540 / 30;
const WHEEL = { x: 320, y: 520, radius: 112 };

/** Prepares the cockpit; the result draws it, in pixels. @param steeringAngle of the front wheels, rad */
export function createCockpit(
  context: SKRSContext2D,
  width: number,
  height: number,
): (steeringAngle: number) => void {
  const scale = { x: width / DESIGN.width, y: height / DESIGN.height };
  const top = 404;
  const front = sprite(DESIGN.width, DESIGN.height - top, (picture) => {
    picture.translate(0, -top);
    drawBonnet(picture);
    drawDashboard(picture);
  });
  const wheel = wheelPicture();
  return (steeringAngle) => {
    context.setTransform(scale.x, 0, 0, scale.y, 0, 0);
    context.drawImage(front, 0, top);
    context.translate(WHEEL.x, WHEEL.y);
    context.rotate(-steeringAngle * STEERING_RATIO);
    context.drawImage(wheel, -wheel.width / 2, -wheel.height / 2);
  };
}

/** The driver sits on the left, so the bonnet lies more to the right. */
function drawBonnet(context: SKRSContext2D): void {
  const paint = context.createLinearGradient(0, 408, 0, 450);
  paint.addColorStop(0, '#8fa9c4');
  paint.addColorStop(0.18, '#3f6288');
  paint.addColorStop(1, '#1c3048');
  context.fillStyle = paint;
  context.beginPath();
  context.moveTo(-10, 480);
  context.bezierCurveTo(40, 424, 190, 409, 400, 409);
  context.bezierCurveTo(560, 409, 640, 416, 660, 430);
  context.lineTo(660, 480);
  context.fill();
  // A crease on each side catches the light.
  context.strokeStyle = 'rgba(190,214,236,0.35)';
  context.lineWidth = 2;
  for (const [x, bend] of [
    [210, 40],
    [590, -30],
  ] as const) {
    context.beginPath();
    context.moveTo(x, 460);
    context.quadraticCurveTo(x + bend * 0.3, 430, x + bend, 412);
    context.stroke();
  }
}

function drawDashboard(context: SKRSContext2D): void {
  const plastic = context.createLinearGradient(0, 436, 0, 480);
  plastic.addColorStop(0, '#3a3d43');
  plastic.addColorStop(0.15, '#25272c');
  plastic.addColorStop(1, '#15161a');
  context.fillStyle = plastic;
  context.beginPath();
  context.moveTo(0, 480);
  context.lineTo(0, 452);
  context.bezierCurveTo(160, 442, 210, 438, 320, 438);
  context.bezierCurveTo(430, 438, 500, 446, 640, 450);
  context.lineTo(640, 480);
  context.fill();
}

function wheelPicture(): Canvas {
  const size = WHEEL.radius * 2 + 24;
  return sprite(size, size, (context) => {
    context.translate(size / 2, size / 2);
    context.lineWidth = 19;
    context.strokeStyle = '#101114';
    circle(context, WHEEL.radius);
    context.lineWidth = 13;
    context.strokeStyle = '#2b2d33';
    circle(context, WHEEL.radius);
    context.lineWidth = 3;
    context.strokeStyle = 'rgba(150,156,166,0.5)';
    circle(context, WHEEL.radius + 4);
    context.strokeStyle = '#1b1d22';
    context.lineWidth = 24;
    for (const angle of [0, Math.PI, Math.PI / 2]) {
      context.beginPath();
      context.moveTo(0, 0);
      context.lineTo(Math.cos(angle) * WHEEL.radius, Math.sin(angle) * WHEEL.radius);
      context.stroke();
    }
    // The mark at twelve o'clock shows how far it is turned.
    context.strokeStyle = '#e4b13a';
    context.lineWidth = 13;
    context.beginPath();
    context.arc(0, 0, WHEEL.radius, -Math.PI / 2 - 0.07, -Math.PI / 2 + 0.07);
    context.stroke();
  });
}

function circle(context: SKRSContext2D, radius: number): void {
  context.beginPath();
  context.arc(0, 0, radius, 0, 2 * Math.PI);
  context.stroke();
}
