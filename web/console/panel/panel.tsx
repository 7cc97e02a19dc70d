/** Right: what isn't needed at every moment, and folds away. */
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Cockpit } from '../cockpit.ts';
import { Connection } from './connection.tsx';
import { MapView } from './map.tsx';
import { People } from './people.tsx';
import { Relayed } from './relayed.tsx';
import { TelemetryList } from './telemetry.tsx';

const STORED = 'plntry.panel';
/** A screen that has room for the panel beside the picture's middle. */
const WIDE = '(min-width: 68rem)';

export function Panel({ cockpit }: { cockpit: Cockpit }) {
  const [open, setOpen] = useState(wasOpen);
  const toggle = () => {
    localStorage.setItem(STORED, open ? 'folded' : 'open');
    setOpen(!open);
  };
  return (
    <aside class="panel" aria-label="Details">
      <button type="button" class="plate toggle" aria-expanded={open} onClick={toggle}>
        {open ? 'Fold away ›' : '‹ Details'}
      </button>
      {open ? (
        <div class="plate sections">
          <Section title="Map">
            <MapView cockpit={cockpit} />
          </Section>
          <Section title="Telemetry">
            <TelemetryList cockpit={cockpit} />
          </Section>
          <Section title="People">
            <People cockpit={cockpit} />
          </Section>
          <Section title="Relayed data">
            <Relayed cockpit={cockpit} />
          </Section>
          <Section title="Connection">
            <Connection cockpit={cockpit} />
          </Section>
        </div>
      ) : null}
    </aside>
  );
}

function wasOpen(): boolean {
  const stored = localStorage.getItem(STORED);
  return stored === null ? matchMedia(WIDE).matches : stored === 'open' && matchMedia(WIDE).matches;
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}
