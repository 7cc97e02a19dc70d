/** Top left: the car, who drives, and how good the way to it is. */
import { inOneText } from '../../shared/verdict/words.ts';
import { bitRate, fixed, UNKNOWN } from '../format.ts';
import { budgetLine, LEVEL_TONES, thisMonth } from '../usage-words.ts';
import { whoDrives } from './claim.ts';
import type { Cockpit } from './cockpit.ts';
import { latencyTone, together } from './latency.ts';
import { LatencyPlot } from './latency-plot.tsx';
import { endsWords, linkWords, reducedWords } from './link-words.ts';

export function Status({ cockpit }: { cockpit: Cockpit }) {
  const { room, latency, history, calm, frames, videoStats } = cockpit;
  const view = room.view.value;
  const { picture, command } = latency.value;
  const late = together(latency.value);
  const tone = latencyTone(late);
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
        <span
          class={`latency ${tone}-text`}
          title={`Picture ${fixed(picture)} ms old, commands ${fixed(command)} ms on their way`}
        >
          <span class="unseen">Latency </span>
          <b>{fixed(late)}</b> ms
        </span>
        <LatencyPlot history={history} calm={calm} tone={tone} />
        <PathShown cockpit={cockpit} />
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
      <LimitLine cockpit={cockpit} />
      <BudgetLine cockpit={cockpit} />
      <ReducedLine cockpit={cockpit} />
    </section>
  );
}

/**
 * In a few words, and in a sentence for who can't see. For tests it carries, while connected,
 * `data-verdict` (its code), `data-verdict-state` and `data-verdict-end`.
 */
function PathShown({ cockpit: { room, path } }: { cockpit: Cockpit }) {
  const { value: view } = room.view;
  const verdict = path.value?.state === 'connected' ? path.value : null;
  const words = verdict?.path ? endsWords(verdict.path) : linkWords(view?.path ?? null, view?.link.phase);
  if (!verdict) return <span class="path">{words}</span>;
  const { code, state, end } = verdict;
  const sentence = inOneText(verdict);
  return (
    <span class="path" title={sentence} data-verdict={code} data-verdict-state={state} data-verdict-end={end}>
      <span aria-hidden="true">{words}</span>
      <span class="unseen">{sentence}</span>
    </span>
  );
}

/** Why the car is slower than it could be. */
function LimitLine({ cockpit: { room, connected } }: { cockpit: Cockpit }) {
  const limits = connected.value ? room.view.value?.limits : null;
  if (!limits?.reason) return null;
  const kmh = (limits.maxSpeed * 3.6).toFixed(0);
  const what = limits.maxSpeed > 0 ? `The car goes at most ${kmh} km/h` : 'The car has stopped';
  return (
    <p class={limits.maxSpeed > 0 ? 'careful-text' : 'danger-text'}>
      {what}: {limits.reason}.
    </p>
  );
}

/** What a budget means for this picture, while it goes over a relay. */
function BudgetLine({ cockpit: { room, connected } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const usage = thisMonth(view?.usage ?? null, Date.now());
  const relayed = connected.value && view?.path?.path === 'relay';
  const said = relayed && usage ? budgetLine(usage) : null;
  return said ? <p class={`${LEVEL_TONES[usage?.level ?? 'fine']}-text`}>{said}</p> : null;
}

/** Why the picture is coarse, or moves in steps. */
function ReducedLine({ cockpit: { room, connected } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const usage = thisMonth(view?.usage ?? null, Date.now());
  const said = connected.value ? reducedWords(view?.path ?? null, usage?.limitKbps) : null;
  return said ? <p class="careful-text">{said}</p> : null;
}
