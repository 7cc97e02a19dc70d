/** The honest clients of a server, seen from the process that attacks it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE } from '../helpers/process.ts';
import type { Target } from './target.ts';

const MAIN = fileURLToPath(new URL('honest-main.ts', import.meta.url));
/** The honest vehicle; attackers have no right to its room. */
export const HONEST_CAR = 'car7';
export const HONEST_OPERATOR = 'op-honest';

interface Login {
  clientId: string;
  username: string;
  password: string;
}

export interface Setup {
  mqttUrl: string;
  webUrl: string;
  car: Login;
  operator: Login;
  topic: string;
}

export type Asked = { setup: Setup } | { begin: true } | { look: true };

export interface Seen {
  /** Messages of the vehicle, and those that the operator got; `lost` never came. */
  sent: number;
  received: number;
  lost: number;
  /** Connections to the broker that were closed. */
  closed: number;
  /** The longest time between two messages, ms; they are sent 50 ms apart. */
  gapMs: number;
  /** Requests to the web server, those that failed, and how long the slowest took, ms. */
  requests: number;
  failed: number;
  answerMs: number;
}

export interface Honest {
  /** Forgets what was seen until now. */
  begin(): Promise<void>;
  look(): Promise<Seen>;
  close(): Promise<void>;
}

export async function startHonest(target: Target): Promise<Honest> {
  const child = fork(MAIN, { execPath: NODE, execArgv: [] });
  const ask = <T>(asked: Asked): Promise<T> =>
    new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the honest clients have ended'));
      child.once('exit', onExit);
      child.once('message', (answer) => {
        child.off('exit', onExit);
        resolve(answer as T);
      });
      child.send(asked);
    });
  const login = (sub: string, password: string) => ({ clientId: sub, username: sub, password });
  const { mqttUrl, webUrl } = target;
  const car = login(HONEST_CAR, await target.token(HONEST_CAR, 'vehicle', [HONEST_CAR]));
  const operator = login(HONEST_OPERATOR, await target.token(HONEST_OPERATOR, 'operator', [HONEST_CAR]));
  await ask({ setup: { mqttUrl, webUrl, car, operator, topic: `rooms/${HONEST_CAR}/telemetry` } });
  return {
    begin: () => ask({ begin: true }),
    look: () => ask({ look: true }),
    close() {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.disconnect();
      return gone;
    },
  };
}
