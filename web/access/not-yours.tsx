/** For who has signed in, but not for this. */
import { roomMatches } from '../../shared/room-pattern.ts';
import type { You } from '../../shared/server-api.ts';
import { Notice } from '../notice.tsx';
import { consolePath, type Route, vehiclePath } from '../routes.ts';
import { mayInWords } from './words.ts';

/** Whether somebody may open a page. The broker decides; this is to say so at once. */
export function mayOpen({ role, rooms }: You, route: Route): boolean {
  if (route.page === 'console')
    return role !== 'vehicle' && rooms.some((room) => roomMatches(room, route.room));
  if (route.page === 'vehicle') return role === 'vehicle' && rooms[0] === route.room;
  return true;
}

export function NotYours({ you }: { you: You }) {
  const [room] = you.rooms;
  const own = you.rooms.length === 1 && room && !room.includes('*') ? room : null;
  const path = own && (you.role === 'vehicle' ? vehiclePath(own) : consolePath(own));
  return (
    <Notice
      title="This is not for you"
      detail={`You may ${mayInWords(you)}. For more, ask for another invitation.`}
    >
      <a class="button" href={path ?? '/'}>
        {path ? `To ${own}` : 'To the fleet'}
      </a>
    </Notice>
  );
}
