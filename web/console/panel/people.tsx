/** Who else is here, and who drives. */
import { timeOfDay } from '../../format.ts';
import { you } from '../../settings.ts';
import { personName } from '../claim.ts';
import type { Cockpit } from '../cockpit.ts';

export function People({ cockpit: { room } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const self = room.self.value;
  if (!view) return <p class="soft">Not known yet.</p>;
  const driver = view.claim.state === 'held' ? self : view.lease?.holder;
  // Whoever came first stays first.
  const people = Object.entries(view.operators).sort(([, a], [, b]) => a.since - b.since);
  if (people.length === 0) return <p class="soft">Nobody is in this room.</p>;
  return (
    <>
      <ul class="people">
        {people.map(([id, { since }]) => (
          <li key={id}>
            <span class={id === self ? 'you' : ''}>{personName(id, view.operators, self)}</span>
            <span class={id === driver ? 'careful-text' : 'soft'}>
              {id === driver ? 'drives' : 'watches'} · here since {timeOfDay(since)}
            </span>
          </li>
        ))}
      </ul>
      {you.value ? null : <Supervise room={room} />}
    </>
  );
}

/** Where anybody may come in everybody may say so; else the server says it. */
function Supervise({ room }: { room: Cockpit['room'] }) {
  return (
    <label class="supervise">
      <input
        type="checkbox"
        checked={room.supervises.value}
        onChange={(event) => room.supervise(event.currentTarget.checked)}
      />
      I supervise: I may take the wheel from others
    </label>
  );
}
