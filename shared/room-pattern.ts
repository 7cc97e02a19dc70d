/** Names of rooms with `*` for any run of characters, none included: `car1`, `van-*`, `*`. */

export const isRoomPattern = (text: string): boolean => /^[a-z0-9*-]{1,32}$/.test(text);

/**
 * Whether a room is one of those that a pattern means; what is no pattern means none. Looks at each character
 * of the room once for each part between the stars at most, whatever the pattern.
 */
export function roomMatches(pattern: string, room: string): boolean {
  if (!isRoomPattern(pattern)) return false;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === room;
  if (!room.startsWith(first)) return false;
  let at = first.length;
  // The earliest place of each part leaves the most for those after it.
  for (const part of rest) {
    const found = room.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return room.length - last.length >= at && room.endsWith(last);
}
