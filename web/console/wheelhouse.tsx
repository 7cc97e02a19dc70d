/** Asking for the wheel, giving it back, and handing it over; and the way out of an emergency stop. */
import { STANDING } from '../../shared/safety.ts';
import { askedNotice, isEstopped } from './claim.ts';
import type { Cockpit } from './cockpit.ts';

/** The one button for what comes next. */
export function Wheelhouse({ cockpit: { room, drive, connected, applied } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const claim = view?.claim ?? { state: 'none' };
  if (view && isEstopped(view, applied.value)) {
    const stands = Math.abs(applied.value?.speed ?? Number.POSITIVE_INFINITY) <= STANDING;
    return (
      <button type="button" class="lease" disabled={!connected.value || !stands} onClick={drive.reset}>
        Reset stop
      </button>
    );
  }
  if (claim.state === 'held') {
    return (
      <button type="button" class="lease held" onClick={() => drive.letGo(null)}>
        Release
      </button>
    );
  }
  if (claim.state === 'asked' && claim.waits !== undefined) {
    return (
      <button type="button" class="lease held" onClick={() => drive.letGo(null)}>
        Never mind
      </button>
    );
  }
  const holder = view?.lease?.holder ?? null;
  const taken = holder !== null && holder !== room.self.value;
  const ask = () => (taken ? room.request(room.supervises.value ? 'takeover' : 'handover') : drive.take());
  const words = taken ? (room.supervises.value ? 'Take over' : 'Ask for it') : 'Drive';
  return (
    <button
      type="button"
      class="lease"
      disabled={!connected.value || claim.state === 'asked' || view?.lease?.next !== undefined}
      onClick={ask}
    >
      {claim.state === 'asked' ? 'Asking…' : words}
    </button>
  );
}

/** To whoever drives: somebody else would like to. */
export function Asked({ cockpit: { room, drive } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const question = view && askedNotice(view, room.self.value);
  return (
    <div class="asked" role="alert">
      {question ? (
        <div class="plate">
          <span>{question}</span>
          <button type="button" onClick={drive.handOver}>
            Hand over
          </button>
          <button type="button" onClick={room.decline}>
            Keep it
          </button>
        </div>
      ) : null}
    </div>
  );
}
