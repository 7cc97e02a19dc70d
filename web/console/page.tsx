/** The console: one car, seen and driven. */
import '../style/console.css';
import '../style/instruments.css';
import '../style/panel.css';
import '../style/console-layouts.css';
import { useEffect, useState } from 'preact/hooks';
import { Cluster } from './cluster.tsx';
import { createCockpit } from './cockpit.ts';
import { PedalSlider, SteeringPad } from './inputs/touch.tsx';
import { Panel } from './panel/panel.tsx';
import { Stage } from './stage.tsx';
import { Status } from './status.tsx';

export { enter, prepare } from './prepared.ts';

export default function ConsolePage({ room }: { room: string }) {
  // While drawing, not after it: the car shall hear of the click at once.
  const [cockpit] = useState(() => createCockpit(room));
  useEffect(() => cockpit.close, []);
  const Overlay = cockpit.overlay.value;
  return (
    <main class="console">
      <Stage cockpit={cockpit} />
      <Status cockpit={cockpit} />
      <Panel cockpit={cockpit} />
      <Cluster cockpit={cockpit} />
      <div class="thumbs">
        <SteeringPad touch={cockpit.touch} />
        <PedalSlider touch={cockpit.touch} />
      </div>
      {Overlay ? (
        <Overlay
          onClose={() => {
            cockpit.overlay.value = null;
          }}
        />
      ) : null}
      <button
        type="button"
        class="stop"
        aria-label="Stop the car: emergency stop"
        aria-keyshortcuts="Space"
        // On touching it, not on letting go of it; a click without a pointer is the keyboard's.
        onPointerDown={cockpit.drive.stop}
        onClick={(event) => event.detail === 0 && cockpit.drive.stop()}
      >
        Stop
        <kbd>Space</kbd>
      </button>
    </main>
  );
}
