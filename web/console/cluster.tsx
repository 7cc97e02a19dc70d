/** Bottom centre: what the car does, as the car says it, and the controls of who may drive. */
import type { Gear, Limits, VehicleState } from '../../shared/channels.ts';
import { fixed } from '../format.ts';
import { claimNotice, estopNotice } from './claim.ts';
import type { Cockpit } from './cockpit.ts';
import { Asked, Wheelhouse } from './wheelhouse.tsx';

const MS_TO_KMH = 3.6;

export function Cluster({ cockpit }: { cockpit: Cockpit }) {
  const { room, applied, drive } = cockpit;
  const view = room.view.value;
  const state = applied.value;
  const because = { letGo: drive.letGoBecause.value, heldBack: drive.heldBack.value };
  const notice =
    view && (estopNotice(view, state, room.self.value) ?? claimNotice(view, because, room.self.value));
  return (
    <section class="cluster" aria-label="Instruments">
      <p class={`claim ${notice ? `${notice.tone}-text` : ''}`} role="status">
        {notice ? <span class="plate">{notice.text}</span> : null}
      </p>
      <Asked cockpit={cockpit} />
      <div class={`dials plate ${state ? '' : 'stale'}`}>
        <Wheel state={state} />
        <div class="speed">
          <output aria-label="Speed" aria-live="off">
            {state ? fixed(Math.abs(state.speed) * MS_TO_KMH) : '––'}
          </output>
          <span>km/h</span>
          <Safety state={state} limits={view?.limits ?? null} />
        </div>
        <div class="pedals">
          <Bar label="Throttle" tone="fine" value={state?.throttle ?? 0} />
          <Bar label="Brake" tone="danger" value={state?.brake ?? 0} />
        </div>
        <Gears cockpit={cockpit} applied={state?.gear ?? null} />
        <Wheelhouse cockpit={cockpit} />
      </div>
      <p class="keys" aria-hidden="true">
        <kbd>W</kbd> <kbd>A</kbd> <kbd>S</kbd> <kbd>D</kbd> or arrows drive · <kbd>F</kbd> <kbd>N</kbd>{' '}
        <kbd>R</kbd> gear · gamepad works
      </p>
    </section>
  );
}

const SAFETY_WORDS: Record<VehicleState['safety'], { tone: string; text: string }> = {
  ready: { tone: 'off', text: 'Ready' },
  driving: { tone: 'fine', text: 'Driving' },
  degraded: { tone: 'careful', text: 'Throttle off' },
  stopped: { tone: 'careful', text: 'Stopped' },
  estopped: { tone: 'danger', text: 'Emergency stop' },
};

/** In a few words, and why, as a hint and in the status. */
function Safety({ state, limits }: { state: VehicleState | null; limits: Limits | null }) {
  if (!state) return <span class="safety off-text">No word from the car</span>;
  const { tone, text } = SAFETY_WORDS[state.safety];
  const limited = state.safety === 'degraded' && limits?.reason !== undefined && limits.maxSpeed > 0;
  return (
    <span class={`safety ${tone}-text`} title={limited ? limits.reason : undefined}>
      {limited ? `At most ${fixed(limits.maxSpeed * MS_TO_KMH)} km/h` : text}
      {state.speed < -0.05 ? ', backwards' : ''}
    </span>
  );
}

/** Half a turn of the pointer from lock to lock. */
const LOCK_DEGREES = 80;

function Wheel({ state }: { state: VehicleState | null }) {
  const steer = state?.steer ?? 0;
  const percent = Math.round(Math.abs(steer) * 100);
  const side = percent === 0 ? '' : steer > 0 ? ' left' : ' right';
  return (
    <div class="wheel">
      <svg viewBox="-50 -50 100 62" role="img" aria-label={`Steering ${percent} %${side}`}>
        <path class="scale" d={arc(-LOCK_DEGREES, LOCK_DEGREES)} />
        <path class="value" d={arc(Math.min(0, -steer * LOCK_DEGREES), Math.max(0, -steer * LOCK_DEGREES))} />
        {[-1, -0.5, 0, 0.5, 1].map((tick) => (
          <line key={tick} class="tick" y1="-47" y2="-41" transform={`rotate(${tick * LOCK_DEGREES})`} />
        ))}
        <line class="needle" y1="-8" y2="-36" transform={`rotate(${-steer * LOCK_DEGREES})`} />
        <text y="8">{state ? `${percent}${side ? side.slice(1, 2).toUpperCase() : ''}` : '––'}</text>
      </svg>
      <span class="label">Steering</span>
    </div>
  );
}

/** Along the dial's rim; 0 is up, positive clockwise. */
function arc(from: number, to: number): string {
  const at = (degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    return `${(Math.sin(angle) * 36).toFixed(2)} ${(-Math.cos(angle) * 36).toFixed(2)}`;
  };
  return `M${at(from)}A36 36 0 0 1 ${at(to)}`;
}

function Bar({ label, tone, value }: { label: string; tone: string; value: number }) {
  const percent = Math.round(value * 100);
  return (
    <div class="bar">
      <span class="label">{label}</span>
      <div class={`fill ${tone}`} style={{ '--value': value }} />
      <output aria-label={label} aria-live="off">
        {percent}
      </output>
    </div>
  );
}

const GEARS: { gear: Gear; name: string; key: string }[] = [
  { gear: 'R', name: 'Reverse', key: 'R' },
  { gear: 'N', name: 'Neutral', key: 'N' },
  { gear: 'D', name: 'Drive', key: 'F' },
];

/** Pressed is the gear that is chosen, filled the one that the car is in. */
function Gears({ cockpit: { drive }, applied }: { cockpit: Cockpit; applied: Gear | null }) {
  return (
    <fieldset class="gears">
      <legend class="unseen">Gear</legend>
      {GEARS.map(({ gear, name, key }) => (
        <button
          key={gear}
          type="button"
          aria-label={`Gear ${name}`}
          aria-pressed={drive.gear.value === gear}
          aria-keyshortcuts={key}
          class={gear === applied ? 'applied' : ''}
          onClick={() => drive.shift(gear)}
        >
          {gear}
        </button>
      ))}
    </fieldset>
  );
}
