/** A phone or laptop as the car. */
import '../style/vehicle.css';
import { useEffect, useState } from 'preact/hooks';
import { you } from '../settings.ts';
import { AtWork } from './at-work.tsx';
import { ChooseId } from './choose-id.tsx';
import { createPhone, type Phone } from './phone.ts';
import { useTaken } from './taken.ts';

interface VehiclePageProps {
  /** Null when the address has no valid id. */
  room: string | null;
  wanted: string;
}

export default function VehiclePage({ room, wanted }: VehiclePageProps) {
  const [phone, setPhone] = useState<Phone | null>(null);
  useEffect(() => {
    document.title = `${room ?? 'Vehicle'} · plntry`;
  }, [room]);
  useEffect(() => phone?.close, [phone]);
  if (room === null) return <ChooseId wanted={wanted} />;
  if (phone) return <AtWork phone={phone} onLeave={() => setPhone(null)} />;
  return <Start room={room} onStart={() => setPhone(createPhone(room))} />;
}

function Start({ room, onStart }: { room: string; onStart: () => void }) {
  const taken = useTaken(room);
  return (
    <main class="vehicle start">
      <header>
        <h1>Be {room}</h1>
        {you.value ? null : <a href="/vehicle">Another id</a>}
      </header>
      <p>
        This device becomes a vehicle of the fleet, called <b>{room}</b>. Whoever opens it there sees through
        its camera.
      </p>
      <ul>
        <li>
          <b>Camera</b> is sent live to operators, the one at the back if there is one. Nothing is recorded
          here, and there is no sound.
        </li>
        <li>
          <b>Position and movement</b> are shown to operators, if you allow them.
        </li>
        <li>
          <b>Screen</b> stays on. Mount the device upright, with the camera looking ahead.
        </li>
      </ul>
      <p class="soft">Your browser asks for each of them after you press Start.</p>
      {window.isSecureContext ? null : (
        <p class="danger-text" role="alert">
          Browsers give camera and position only to secure pages: open this page over https.
        </p>
      )}
      {taken ? (
        <p class="danger-text" role="alert">
          {room} is online already, from somewhere else. If you go on, it loses its place to this device.
        </p>
      ) : null}
      <button type="button" class="big" onClick={onStart}>
        {taken ? `Take over ${room}` : 'Start'}
      </button>
      <a href="/">Back to the fleet</a>
    </main>
  );
}
