/** Where the car is and has been; in words when a map can't be drawn. */
import { effect, useComputed } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Cockpit } from '../cockpit.ts';
import { positionOf } from './track.ts';

export function MapView({ cockpit: { room, calm } }: { cockpit: Cockpit }) {
  const position = useComputed(() => positionOf(room.view.value?.telemetry ?? null));
  const known = useComputed(() => position.value !== null);
  const place = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    if (!known.value || !calm.value) return;
    let undo = () => {};
    let wanted = true;
    import('./track-map.ts').then(
      ({ createTrackMap }) => {
        if (!wanted || !place.current) return;
        const map = createTrackMap(place.current);
        const unfollow = effect(() => {
          if (position.value) map.show(position.value);
        });
        undo = () => {
          unfollow();
          map.close();
        };
      },
      () => setFailed(true),
    );
    return () => {
      wanted = false;
      undo();
    };
  }, [known.value, calm.value]);

  const at = position.value;
  if (!at) return <p class="soft">The car doesn’t say where it is.</p>;
  const words = `${at.latitude.toFixed(6)}°, ${at.longitude.toFixed(6)}°`;
  if (failed) return <p>The map could not be loaded. The car is at {words}.</p>;
  return <div ref={place} class="map" role="img" aria-label={`Map: the car is at ${words}`} />;
}
