/** Patterns of room names: `*` stands for any run of characters, also an empty one. */

/** More stars are of no use, and this bounds what a pattern costs. */
const MAX_STARS = 4;

export function isRoomPattern(text: string): boolean {
  return /^[a-z0-9*-]{1,32}$/.test(text) && !text.startsWith('-') && text.split('*').length - 1 <= MAX_STARS;
}

export const isWildcard = (pattern: string): boolean => pattern.includes('*');

/** Takes the leftmost place for each part between stars, which is right for `*` and takes linear time. */
export function roomMatches(pattern: string, room: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return room === pattern;
  if (!room.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = room.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return room.length - last.length >= at && room.endsWith(last);
}
