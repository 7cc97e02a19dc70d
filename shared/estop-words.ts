/** An emergency stop in words of somebody's own, as `mosquitto_pub -m 'people on the road'` makes one. */

import { isPrintable } from './printable.ts';

/** So much is shown of what somebody writes, characters. */
const MOST_WORDS = 120;

/** A payload that somebody has written by hand; empty when it is none. */
export function wordsOf(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload.subarray(0, 4 * MOST_WORDS));
  // Neither JSON of another kind, nor bytes.
  const readable = !/^\s*[{[]/.test(text) && !text.includes('\uFFFD') && isPrintable(text.trim());
  return readable ? [...text.trim()].slice(0, MOST_WORDS).join('') : '';
}
