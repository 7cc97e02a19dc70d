/**
 * Driving with keys. A key is all or nothing, and a car steered like that is no pleasure: so pedals
 * and wheel follow the keys at the pace of a calm driver's hands and feet.
 */
import { AT_REST, approach, type Controls, type Input, isAtRest } from './controls.ts';

/** Full range per second. */
const RATES = {
  /** Turning the wheel out. */
  steer: 2,
  /** Letting it run back, also through the middle to the other side. */
  recentre: 4,
  throttle: 1.8,
  /** Lifting the foot. */
  lift: 5,
  brake: 5,
};

export type DriveKey = 'left' | 'right' | 'throttle' | 'brake';

/** By `KeyboardEvent.code`: the place on the keyboard, so that WASD is where the hand expects it. */
const KEYS: Record<string, DriveKey> = {
  KeyW: 'throttle',
  ArrowUp: 'throttle',
  KeyS: 'brake',
  ArrowDown: 'brake',
  KeyA: 'left',
  ArrowLeft: 'left',
  KeyD: 'right',
  ArrowRight: 'right',
};

/** Where pedals and wheel are, `seconds` later, with these keys down. Pure. */
export function ramp(controls: Controls, down: ReadonlySet<DriveKey>, seconds: number): Controls {
  const target = Number(down.has('left')) - Number(down.has('right'));
  const outwards = target !== 0 && controls.steer * target >= 0;
  const pedal = (name: 'throttle' | 'brake') =>
    approach(controls[name], Number(down.has(name)), (down.has(name) ? RATES[name] : RATES.lift) * seconds);
  return {
    steer: approach(controls.steer, target, (outwards ? RATES.steer : RATES.recentre) * seconds),
    throttle: pedal('throttle'),
    brake: pedal('brake'),
  };
}

export interface Keyboard extends Input {
  close(): void;
}

/** @param others what else keys do, by their code */
export function createKeyboard(others: Record<string, () => void>): Keyboard {
  /** By code: two keys may want the same. */
  const down = new Map<string, DriveKey>();
  let controls = AT_REST;

  function onDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isText(event.target)) return;
    const key = KEYS[event.code];
    const other = others[event.code];
    if (!key && !other) return;
    // Neither scroll the page nor press the button that happens to have the focus.
    event.preventDefault();
    if (event.repeat) return;
    if (key) down.set(event.code, key);
    other?.();
  }

  function onUp(event: KeyboardEvent): void {
    down.delete(event.code);
    // Browsers press a focused button when Space comes up again.
    if (others[event.code] && !isText(event.target)) event.preventDefault();
  }

  addEventListener('keydown', onDown, { capture: true });
  addEventListener('keyup', onUp, { capture: true });
  return {
    read(seconds) {
      if (down.size > 0 || !isAtRest(controls)) controls = ramp(controls, new Set(down.values()), seconds);
      return controls;
    },
    reset() {
      down.clear();
      controls = AT_REST;
    },
    close() {
      removeEventListener('keydown', onDown, { capture: true });
      removeEventListener('keyup', onUp, { capture: true });
    },
  };
}

/** Only where somebody writes do keys mean letters; a checkbox must not keep the stop from the car. */
const isText = (target: EventTarget | null) =>
  target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== 'checkbox');
