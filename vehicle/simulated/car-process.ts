/** The simulated car as the agent sees it: a process that is told what to do, and says what it does. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Driver, Motion } from '../parts.ts';
import type { CarOrder, CarReport } from './car.ts';
import { createPoseBuffer, writePose } from './pose.ts';

const CAR = fileURLToPath(new URL('./car.ts', import.meta.url));

export interface SimulatedCar extends Driver {
  /** Where the car is, for the camera's thread; see pose.ts. */
  readonly pose: SharedArrayBuffer;
}

/**
 * Resolves when the car says how it is.
 * @param onEnd its process has ended by itself, with that status or signal
 */
export function startSimulatedCar(onEnd: (how: string) => void): Promise<SimulatedCar> {
  // A pipe of its own: whoever waits for the end of the agent's output need not wait until the car stands.
  const child = fork(CAR, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child.stderr?.pipe(process.stderr);
  const pose = createPoseBuffer();
  let motion: Motion;
  let closed = false;
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      const how = `the simulated car has ended (${signal ?? status})`;
      if (!closed) onEnd(how);
      reject(new Error(how));
    });
    child.on('message', (report: CarReport) => {
      motion = report.motion;
      writePose(pose, report.pose);
      resolve({
        pose,
        apply(actuation, hold) {
          const order: CarOrder = { actuation, hold };
          if (child.connected) child.send(order, () => {});
        },
        motion: () => motion,
        close() {
          closed = true;
          // It stops by itself, and ends when it stands.
          if (child.connected) child.disconnect();
        },
      });
    });
  });
}
