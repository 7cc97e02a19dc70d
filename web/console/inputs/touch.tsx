/** Driving with two thumbs: the left one steers, the right one has both pedals on one slider. */
import { signal } from '@preact/signals';
import { AT_REST, type Controls, type Input } from './controls.ts';

/** How much of a pad's half is the way to full lock or full pedal. */
const REACH = 0.85;

export type Touch = ReturnType<typeof createTouch>;

export function createTouch() {
  const controls = signal<Controls>(AT_REST);
  const input: Input = {
    read: () => controls.peek(),
    reset() {
      controls.value = AT_REST;
    },
  };
  return { controls, input };
}

/** How far a thumb is from the middle of a pad: −1…1, positive right and down. */
export function offset(event: PointerEvent, pad: DOMRect): { x: number; y: number } {
  const part = (at: number, start: number, size: number) =>
    Math.max(-1, Math.min(1, (at - start - size / 2) / ((size / 2) * REACH)));
  return { x: part(event.clientX, pad.left, pad.width), y: part(event.clientY, pad.top, pad.height) };
}

export function SteeringPad({ touch }: { touch: Touch }) {
  const { steer } = touch.controls.value;
  return (
    <Pad
      label="Steering"
      class="steering-pad"
      value={-steer}
      onMove={({ x }) => set(touch, { steer: -x })}
      onEnd={() => set(touch, { steer: 0 })}
      style={{ '--x': `${-steer}` }}
      hints={['◀', '▶']}
    />
  );
}

export function PedalSlider({ touch }: { touch: Touch }) {
  const { throttle, brake } = touch.controls.value;
  return (
    <Pad
      label="Throttle and brake"
      class="pedal-slider"
      value={throttle - brake}
      onMove={({ y }) => set(touch, { throttle: Math.max(0, -y), brake: Math.max(0, y) })}
      onEnd={() => set(touch, { throttle: 0, brake: 0 })}
      style={{ '--y': `${brake - throttle}` }}
      hints={['Go', 'Brake']}
    />
  );
}

function set(touch: Touch, change: Partial<Controls>): void {
  touch.controls.value = { ...touch.controls.peek(), ...change };
}

interface PadProps {
  label: string;
  class: string;
  value: number;
  style: Record<string, string>;
  hints: [string, string];
  onMove(offset: { x: number; y: number }): void;
  onEnd(): void;
}

function Pad({ label, class: name, value, style, hints, onMove, onEnd }: PadProps) {
  const move = (event: PointerEvent & { currentTarget: HTMLElement }) =>
    onMove(offset(event, event.currentTarget.getBoundingClientRect()));
  return (
    <div
      role="slider"
      aria-label={label}
      aria-valuemin={-100}
      aria-valuemax={100}
      aria-valuenow={Math.round(value * 100)}
      tabIndex={0}
      class={`pad ${name}`}
      style={style}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        move(event);
      }}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && move(event)}
      onPointerUp={onEnd}
      onLostPointerCapture={onEnd}
    >
      <span>{hints[0]}</span>
      <span class="thumb" />
      <span>{hints[1]}</span>
    </div>
  );
}
