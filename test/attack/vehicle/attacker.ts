/** An attacker with every right of an operator, in a process of its own; seen from the one that started it. */
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { NODE } from '../../helpers/process.ts';
import type { Done, Flood, Front, Ground, VehicleAttack } from './attack.ts';

const MAIN = fileURLToPath(new URL('attacker-main.ts', import.meta.url));
/** Least: what is measured is what the car makes of it, and not who gets this machine's time. */
const PRIORITY = 19;
let count = 0;

export interface Orders {
  attack: string;
  front: Front;
}

/** What it says: that it is in and has begun, what came of it, or why nothing does. */
export type Word = { going: true } | { done: Done } | { failed: string };

/** Resolves when it is going on. */
export async function startFlood(
  { name: attack }: VehicleAttack,
  { target, car, operator }: Ground,
): Promise<Flood> {
  count += 1;
  const login = await operator(`op-in${count}`);
  const front = { mqttUrl: target.mqttUrl, room: car.room, carKey: car.key, login };
  const child = fork(MAIN, { execPath: NODE, execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const word = (): Promise<Word> =>
    Promise.race([
      new Promise<Word>((resolve) => child.once('message', (said) => resolve(said as Word))),
      ended.then(() => ({ failed: 'it has ended' })),
    ]);
  child.send({ attack, front } satisfies Orders);
  const began = await word();
  // It came in as everybody does.
  if (child.pid) setPriority(child.pid, PRIORITY);
  if ('failed' in began) throw new Error(`The attack could not begin: ${began.failed}.`);
  return {
    async stop() {
      const last = word();
      if (child.connected) child.send({ stop: true });
      const said = await last;
      await ended;
      if (!('done' in said)) throw new Error(`The attack came to nothing: ${JSON.stringify(said)}.`);
      return said.done;
    },
  };
}
