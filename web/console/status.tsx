/** Top left: the car, who drives, and how good the way to it is. */
import { bitRate, fixed, UNKNOWN } from '../format.ts';
import { whoDrives } from './claim.ts';
import type { Cockpit } from './cockpit.ts';
import { linkWords } from './link-words.ts';
import { roundTripTone } from './round-trip.ts';
import { RoundTripPlot } from './round-trip-plot.tsx';

export function Status({ cockpit }: { cockpit: Cockpit }) {
  const { room, roundTrip, history, calm, frames, videoStats } = cockpit;
  const view = room.view.value;
  const tone = roundTripTone(roundTrip.value);
  return (
    <section class="status plate" aria-label="Car and link">
      <div class="who">
        <a href="/" class="back" aria-label="Back to the fleet">
          ‹
        </a>
        <h2>{view?.vehicle?.name ?? cockpit.name}</h2>
        <span class="driver" aria-live="polite">
          {view ? whoDrives(view, room.self.value) : UNKNOWN}
        </span>
      </div>
      <div class="link">
        <span class={`round-trip ${tone}-text`}>
          <span class="unseen">Round trip </span>
          <b>{fixed(roundTrip.value)}</b> ms
        </span>
        <RoundTripPlot history={history} calm={calm} tone={tone} />
        <span class="path">{linkWords(view?.path ?? null, view?.link.phase)}</span>
      </div>
      <dl>
        <div>
          <dt>First picture</dt>
          <dd>{frames.firstFrameMs.value === null ? UNKNOWN : `${frames.firstFrameMs.value} ms`}</dd>
        </div>
        <div>
          <dt>Video</dt>
          <dd>{bitRate(videoStats.value?.kbps ?? null)}</dd>
        </div>
        <div>
          <dt>Pictures</dt>
          <dd>{cockpit.connected.value ? fixed(frames.rate.value) : UNKNOWN} /s</dd>
        </div>
      </dl>
      {view && view.broker.state !== 'connected' && cockpit.connected.value ? (
        <p class="careful-text">Broker lost, trying again. The car stays connected.</p>
      ) : null}
    </section>
  );
}
