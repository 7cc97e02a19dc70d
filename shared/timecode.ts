/**
 * A picture's capture time, written into its own pixels, so that the age of what is on a screen can
 * be measured with nothing but the screen. Used by the simulated camera.
 *
 * Two rows of 24 squares in the top left corner, bright for 1: 40 bits of the capture time in ms
 * since the epoch modulo 2^40 (35 years), then 8 bits of check sum. Squares of 8×8 pixels are one
 * H.264 transform block each and survive strong compression.
 */
const COLUMNS = 24;
const ROWS = 2;
const TIME_BITS = 40;

/** Side of one square, pixels of the original picture. */
export const TIMECODE_SQUARE = 8;
/** Size of the whole code, pixels of the original picture. */
export const TIMECODE_SIZE = { width: COLUMNS * TIMECODE_SQUARE, height: ROWS * TIMECODE_SQUARE };

/** The squares of a time, row by row; true is bright. @param time ms since the epoch */
export function timecodeSquares(time: number): boolean[] {
  const value = BigInt(Math.round(time)) % (1n << BigInt(TIME_BITS));
  const bits = ((value << 8n) | BigInt(checksum(value))).toString(2).padStart(COLUMNS * ROWS, '0');
  return [...bits].map((bit) => bit === '1');
}

/**
 * Reads a time back.
 * @param brightness of the centre of square (column, row), 0…255
 * @param now the reader's clock, ms since the epoch, to complete the 40 bits
 * @returns ms since the epoch, or null when the check sum does not fit
 */
export function readTimecode(
  brightness: (column: number, row: number) => number,
  now: number,
): number | null {
  let bits = 0n;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      bits = (bits << 1n) | (brightness(column, row) > 127 ? 1n : 0n);
    }
  }
  const value = bits >> 8n;
  if (Number(bits & 255n) !== checksum(value)) return null;
  const turn = 2 ** TIME_BITS;
  return Math.floor(now / turn) * turn + Number(value);
}

/** A black or white corner must not read as a time, hence the constant. */
function checksum(value: bigint): number {
  let sum = 0xa5;
  for (let rest = value; rest > 0n; rest >>= 8n) sum = (sum * 31 + Number(rest & 255n)) & 255;
  return sum;
}
