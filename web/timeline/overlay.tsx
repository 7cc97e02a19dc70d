/** The timeline over the console's picture; driving goes on beside it. */
import '../style/timeline.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Choice } from './choice.tsx';
import { Diagram } from './diagram.tsx';
import { recorded, recorder } from './recorder.ts';
import type { Recording } from './recording.ts';

export interface TimelineOverlayProps {
  onClose(): void;
}

export default function TimelineOverlay({ onClose }: TimelineOverlayProps) {
  const version = recorded.value;
  const { recordings } = recorder;
  const [chosen, setChosen] = useState<Recording | null>(null);
  // The newest, until somebody has chosen one.
  const shown = chosen && recordings.includes(chosen) ? chosen : recordings[0];
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    section.current?.focus();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return (
    <section
      ref={section}
      class="timeline overlay plate"
      aria-label="Timeline"
      tabIndex={-1}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <header>
        <h2>Timeline</h2>
        {shown ? <Choice recordings={recordings} shown={shown} onShow={setChosen} /> : null}
        <a class="button" href="/timeline" target="_blank" rel="noreferrer">
          Open a file
        </a>
        <button type="button" class="close" onClick={onClose}>
          Close
        </button>
      </header>
      <div class="scrolled">
        {shown ? (
          <Diagram recording={shown} version={version} />
        ) : (
          <p class="soft">Nothing has happened yet.</p>
        )}
      </div>
    </section>
  );
}
