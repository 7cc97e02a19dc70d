/** QR codes in a terminal: two modules in each character, one above the other. */
import { encode } from 'uqr';

/** Modules around the code that stay light. */
const QUIET_ZONE = 2;
/** Black on white in 256 colours: those of a terminal's theme may be any. */
const INK = '\x1b[38;5;16;48;5;231m';
const RESET = '\x1b[0m';
/** By upper and lower module, dark ones are drawn. */
const BLOCKS = [' ', '▄', '▀', '█'] as const;

/** Its lines without colours, all of the same width. */
export function qrLines(text: string): string[] {
  const { data, size } = encode(text, { ecc: 'L', border: QUIET_ZONE });
  const dark = (row: number, column: number) => Number(data[row]?.[column] === true);
  const columns = Array.from({ length: size }, (_, column) => column);
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) =>
    columns.map((column) => BLOCKS[2 * dark(2 * line, column) + dark(2 * line + 1, column)]).join(''),
  );
}

export const inInk = (line: string): string => `${INK}${line}${RESET}`;
