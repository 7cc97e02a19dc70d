/** The facts of the session, for whoever has to find out why something isn't as it should be. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isLive } from '../../../shared/negotiation.ts';
import type { PathStats } from '../../../shared/peer.ts';
import { bitRate, bytes, fixed, UNKNOWN } from '../../format.ts';
import { IceWarnings } from '../../ice-warnings.tsx';
import type { Cockpit } from '../cockpit.ts';
import { identityFacts } from '../identity-words.ts';
import { pathWords } from '../link-words.ts';
import { type Fact, Facts } from './facts.tsx';

const LOOK_MS = 1_000;

export function Connection({ cockpit }: { cockpit: Cockpit }) {
  const { room } = cockpit;
  const [here, setHere] = useState<PathStats | null>(null);
  useEffect(() => {
    const look = () => void room.stats().then(setHere);
    const timer = setInterval(look, LOOK_MS);
    look();
    return () => clearInterval(timer);
  }, []);
  const view = room.view.value;
  if (!view) return <p class="soft">Not known yet.</p>;
  const { picture, command } = cockpit.latency.value;
  const dropped = Object.values(room.dropped()).reduce((sum, count) => sum + count, 0);
  const facts: Fact[] = [
    ['Broker', view.broker.state],
    ['Link', view.link.phase],
    ['Session', isLive(view.link) ? view.link.session : UNKNOWN],
    ['You are', room.self.value],
    ...identityFacts(view.identity),
    ['Path here', here ? pathWords(here) : UNKNOWN, here?.path],
    ['Path at the car', view.path ? pathWords(view.path) : UNKNOWN, view.path?.path],
    ['Round trip', `${fixed(cockpit.roundTrip.value)} ms`],
    ['Picture on the screen', picture === null ? UNKNOWN : `${fixed(picture)} ms old`],
    ['Commands at the car', command === null ? UNKNOWN : `${fixed(command)} ms old`],
    ['Received', here ? bytes(here.bytesReceived) : UNKNOWN],
    ['Lost on the way', view.path ? `${fixed(view.path.lossPct, 1)} %` : UNKNOWN],
    ['Car’s clock', view.clock ? `${fixed(view.clock.offset)} ms from here` : UNKNOWN],
    ['Messages dropped', String(dropped)],
  ];
  return (
    <>
      <IceWarnings />
      <NetworkReports cockpit={cockpit} />
      <Facts facts={[...facts, ...videoFacts(cockpit)]} />
      <TimelineButton cockpit={cockpit} />
    </>
  );
}

/** Loaded with the panel's first opening: it is for the days on which something is wrong. */
function NetworkReports({ cockpit }: { cockpit: Cockpit }) {
  const [Part, setPart] = useState<ComponentType<{ cockpit: Cockpit }> | null>(null);
  const { value: calm } = cockpit.calm;
  useEffect(() => {
    if (!calm) return;
    import('./reports.tsx').then(
      ({ Reports }) => setPart(() => Reports),
      () => setPart(() => () => <p>This part could not be loaded.</p>),
    );
  }, [calm]);
  return Part ? <Part cockpit={cockpit} /> : null;
}

function videoFacts({ videoStats }: Cockpit): Fact[] {
  const video = videoStats.value;
  if (!video) return [];
  return [
    ['Picture', `${video.width} × ${video.height} ${video.codec}`],
    ['Video', bitRate(video.kbps)],
    ['Waits for decoding', `${fixed(video.waitMs, 1)} ms`],
    ['Jitter', `${fixed(video.jitterMs, 1)} ms`],
    ['Packets lost', String(video.lostPackets)],
    ['Pictures dropped', `${video.dropped} of ${video.decoded}`],
    ['Freezes', String(video.freezes)],
  ];
}

/** Shows every message and state of the session, also of those before. */
function TimelineButton({ cockpit: { overlay } }: { cockpit: Cockpit }) {
  const [failed, setFailed] = useState(false);
  function open(): void {
    import('../../timeline/overlay.tsx').then(
      (module) => {
        overlay.value = module.default;
      },
      () => setFailed(true),
    );
  }
  return (
    <div class="row" role="status">
      <button type="button" aria-expanded={overlay.value !== null} onClick={open}>
        Timeline
      </button>
      {failed ? <span class="danger-text">It could not be loaded.</span> : null}
    </div>
  );
}
