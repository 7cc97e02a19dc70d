/** Which page an address means. Pure. */
import { isId } from '../shared/topics.ts';

export type Route =
  | { page: 'fleet' }
  | { page: 'console'; room: string }
  /** @property room null when the address has no valid id: the page asks for one */
  | { page: 'vehicle'; room: string | null; wanted: string }
  | { page: 'timeline' }
  | { page: 'join' }
  | { page: 'unknown'; path: string };

export function routeOf(path: string): Route {
  const [first = '', second = '', ...rest] = path.replace(/^\/|\/$/g, '').split('/');
  if (rest.length > 0) return { page: 'unknown', path };
  if (first === '' && second === '') return { page: 'fleet' };
  if (first === 'timeline' && second === '') return { page: 'timeline' };
  if (first === 'join' && second === '') return { page: 'join' };
  if (first === 'rooms' && isId(second)) return { page: 'console', room: second };
  if (first === 'vehicle') {
    const wanted = decode(second);
    return { page: 'vehicle', room: isId(wanted) ? wanted : null, wanted };
  }
  return { page: 'unknown', path };
}

export const consolePath = (room: string): string => `/rooms/${room}`;
export const vehiclePath = (room: string): string => `/vehicle/${room}`;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
