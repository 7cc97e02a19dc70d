/** Access in words. Pure. */
import type { You } from '../../shared/server-api.ts';

/** What a page is told that gets no token any more. */
export const ACCESS_ENDED = 'your access has ended';

const DOES: Record<You['role'], string> = {
  vehicle: 'be',
  operator: 'drive',
  supervisor: 'supervise',
  monitor: 'watch',
};

/** `car1 and every vehicle called van-…`; all rooms in words. */
export function roomsInWords(rooms: string[]): string {
  if (rooms.includes('*')) return 'every vehicle';
  const words = rooms.map((room) =>
    room.includes('*') ? `every vehicle called ${room.replaceAll('*', '…')}` : room,
  );
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${last}` : last;
}

/** @param now ms since the epoch, for whether the date has to be said */
export function untilInWords(until: number, now: number): string {
  const [end, today] = [new Date(until * 1_000), new Date(now)];
  const time = end.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (end.toDateString() === today.toDateString()) return `until ${time}`;
  return `until ${end.toLocaleDateString([], { day: 'numeric', month: 'long', year: 'numeric' })}, ${time}`;
}

export const mayInWords = ({ role, rooms }: Pick<You, 'role' | 'rooms'>): string =>
  `${DOES[role]} ${roomsInWords(rooms)}`;

/** What an invitation says of itself, before the server has looked at it; null when it is none. */
export function readInvitation(text: string): Pick<You, 'role' | 'rooms' | 'until'> | null {
  try {
    const payload = text.split('.')[1] ?? '';
    const { role, rooms, until } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    const known = typeof role === 'string' && Object.hasOwn(DOES, role);
    return known && Array.isArray(rooms) && typeof until === 'number'
      ? { role: role as You['role'], rooms, until }
      : null;
  } catch {
    return null;
  }
}
