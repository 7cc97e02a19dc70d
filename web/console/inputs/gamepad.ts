/** Driving with a gamepad of the standard layout: https://www.w3.org/TR/gamepad/#remapping */
import type { Gear } from '../../../shared/channels.ts';
import { AT_REST, type Controls, type Input } from './controls.ts';

/** A stick at rest is never quite in the middle; as the ROS `joy` node has it. */
export const DEAD_ZONE = 0.05;

const STEERING_AXIS = 0;
const BUTTON = { throttle: 7, brake: 6, stop: 1 } as const;
/** A, left and right shoulder: forward, reverse, neutral. */
const GEAR_BUTTONS: Record<number, Gear> = { 5: 'D', 4: 'R', 3: 'N' };

/** Nothing inside the dead zone, and the rest stretched, so that it begins at 0 and still reaches 1. */
export function withoutDeadZone(value: number): number {
  const beyond = (Math.abs(value) - DEAD_ZONE) / (1 - DEAD_ZONE);
  return beyond > 0 ? Math.sign(value) * Math.min(1, beyond) : 0;
}

export type Pad = Pick<Gamepad, 'axes' | 'mapping' | 'connected'> & {
  readonly buttons: readonly { readonly value: number; readonly pressed: boolean }[];
};

/** A stick to the left is −1, and left is positive on the wire. */
export function controlsOf(pad: Pad): Controls {
  const trigger = (index: number) => Math.max(0, withoutDeadZone(pad.buttons[index]?.value ?? 0));
  return {
    steer: -withoutDeadZone(pad.axes[STEERING_AXIS] ?? 0) + 0,
    throttle: trigger(BUTTON.throttle),
    brake: trigger(BUTTON.brake),
  };
}

export interface GamepadActions {
  gear(gear: Gear): void;
  stop(): void;
  /** The pad that was in use is gone: unplugged, or out of battery. */
  lost(): void;
}

export function createGamepad(actions: GamepadActions): Input {
  let used = false;
  let pressed = new Set<number>();

  function press(pad: Pad): void {
    const now = new Set(pad.buttons.flatMap((button, index) => (button.pressed ? [index] : [])));
    for (const index of now) {
      if (pressed.has(index)) continue;
      const gear = GEAR_BUTTONS[index];
      if (gear) actions.gear(gear);
      if (index === BUTTON.stop) actions.stop();
    }
    pressed = now;
  }

  return {
    read() {
      const pad = navigator.getGamepads().find((one) => one?.connected && one.mapping === 'standard');
      if (pad) {
        press(pad);
        used = true;
        return controlsOf(pad);
      }
      if (used) actions.lost();
      used = false;
      return AT_REST;
    },
    // What a stick says is where it is; it comes to rest when the hand lets go.
    reset() {},
  };
}
