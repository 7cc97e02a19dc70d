/**
 * Letters and digits as strokes on a grid of 4 by 6, for the signs.
 *
 * Own strokes instead of a font, since the machine that a vehicle runs on may have none.
 */
import type { SKRSContext2D } from '@napi-rs/canvas';

/** Strokes of x, y pairs; y grows downwards. */
const GLYPHS: Readonly<Record<string, readonly (readonly number[])[]>> = {
  '0': [[1, 0, 3, 0, 4, 1, 4, 5, 3, 6, 1, 6, 0, 5, 0, 1, 1, 0]],
  '1': [
    [1, 1, 2, 0, 2, 6],
    [1, 6, 3, 6],
  ],
  '3': [[0, 0, 4, 0, 2, 2.4, 3, 2.4, 4, 3.4, 4, 5, 3, 6, 1, 6, 0, 5]],
  '4': [[3, 6, 3, 0, 0, 4, 4, 4]],
  '5': [[4, 0, 0.4, 0, 0, 2.8, 3, 2.6, 4, 3.6, 4, 5, 3, 6, 1, 6, 0, 5]],
  '7': [[0, 0, 4, 0, 1.5, 6]],
  A: [
    [0, 6, 2, 0, 4, 6],
    [0.7, 4, 3.3, 4],
  ],
  B: [
    [0, 0, 0, 6, 3, 6, 4, 5, 4, 4, 3, 3, 0, 3],
    [3, 3, 3.7, 2.3, 3.7, 0.8, 3, 0, 0, 0],
  ],
  C: [[4, 1, 3, 0, 1, 0, 0, 1, 0, 5, 1, 6, 3, 6, 4, 5]],
  L: [[0, 0, 0, 6, 4, 6]],
  N: [[0, 6, 0, 0, 4, 6, 4, 0]],
  P: [[0, 6, 0, 0, 3, 0, 4, 1, 4, 2.2, 3, 3.2, 0, 3.2]],
  R: [
    [0, 6, 0, 0, 3, 0, 4, 1, 4, 2.2, 3, 3.2, 0, 3.2],
    [2, 3.2, 4, 6],
  ],
  T: [
    [0, 0, 4, 0],
    [2, 0, 2, 6],
  ],
  Y: [
    [0, 0, 2, 3, 4, 0],
    [2, 3, 2, 6],
  ],
};

/** Writes a text of the glyphs above, centred. @param x @param y its middle @param size height of a letter */
export function letter(
  context: SKRSContext2D,
  text: string,
  x: number,
  y: number,
  size: number,
  colour: string,
): void {
  const unit = size / 6;
  const advance = 5.8 * unit;
  context.strokeStyle = colour;
  context.lineWidth = size * 0.17;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  let left = x - (text.length * advance - 1.8 * unit) / 2;
  for (const character of text) {
    for (const stroke of GLYPHS[character] ?? []) {
      context.beginPath();
      for (let i = 0; i < stroke.length; i += 2) {
        context.lineTo(left + (stroke[i] as number) * unit, y - size / 2 + (stroke[i + 1] as number) * unit);
      }
      context.stroke();
    }
    left += advance;
  }
}
