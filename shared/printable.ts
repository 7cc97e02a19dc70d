/**
 * Others' words for a terminal or a line of a log. A terminal obeys some characters, and others turn the direction of
 * writing around, end a line, or are not seen: all that is no printable text is shown by its code point, as `less` does it.
 */

/** Control characters (C0 and C1), formats (bidi marks, zero width), private, unassigned and half ones; line separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** `<U+001B>[2J` for an escape sequence. One line stays one line. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, shown);

/** The same of all text in a value as JSON has it, names of fields included. */
export function allPrintable<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map(allPrintable) as T;
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, each]) => [printable(name), allPrintable(each)]);
  return Object.fromEntries(fields) as T;
}

/** JSON with the same meaning in which these characters are escaped, by the rules of JSON; its line breaks stay. */
export const printableJson = (json: string): string =>
  json.replace(UNPRINTABLE, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((at) => `\\u${hex(character.charCodeAt(at))}`).join(''),
  );

/** Whether all of it is printable. */
export const isPrintable = (text: string): boolean => printable(text) === text;

const shown = (character: string): string => `<U+${hex(character.codePointAt(0) ?? 0).toUpperCase()}>`;

const hex = (code: number): string => code.toString(16).padStart(4, '0');
