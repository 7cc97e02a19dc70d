/** The honest driver of the car under attack, seen from the process that attacks it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE } from '../../helpers/process.ts';

const MAIN = fileURLToPath(new URL('driver-main.ts', import.meta.url));

/** What somebody needs who comes honestly. */
export interface Login {
  id: string;
  /** The token that lets it in at the broker; null where anybody is. */
  password: string | null;
  /** Its own key, and the fleet's word for it. */
  secretKey: string;
  pass: string;
}

export interface Setup {
  mqttUrl: string;
  room: string;
  /** By which it knows the car. */
  vehicleKey: string;
  driver: Login;
  /** Presses the emergency stop, over MQTT alone. */
  stopper: Login;
  /** Says in its answers that it waits for the car's DTLS, as browsers never do. */
  passive?: boolean;
}

export type Asked =
  | { setup: Setup }
  | { begin: true }
  | { look: true }
  | { drive: number }
  | { stop: true }
  | { send: { packets: string[]; perMs: number } }
  | { arrive: Login; patienceMs: number };

export interface Seen {
  /** Commands that the car has answered, and the longest time between two answers, ms. */
  answers: number;
  gapMs: number;
  /** Of those, what came when the attack was over; missing where it was not. */
  answersAfter?: number;
  /** What the car's safety was beside `driving`, as often as it changed to that. */
  unsafe: string[];
  /** Its session with the car; null while there is none. */
  session: string | null;
  /** How often it was without one; another one beside it that takes over is not counted. */
  ended: number;
  /** m/s */
  speed: number;
  /** Those of the video, and how many of them were key frames. */
  pictures: number;
  keyPictures: number;
}

export interface Driver {
  /** Forgets what was seen until now. */
  begin(): Promise<void>;
  look(): Promise<Seen>;
  /** Resolves with whether it drives, at once or within so long, ms; takes the wheel, and resets what has stopped it. */
  drives(patienceMs: number): Promise<boolean>;
  /** Has the emergency stop pressed. How long it took until the broker has it that it is in force, ms; null for never. */
  stop(): Promise<number | null>;
  /** Sends datagrams from the driver's own socket, on its path to the car: nothing of them says that they are not its own. */
  send(packets: Buffer[], perMs: number): Promise<void>;
  /** Another honest operator comes, and leaves. How long it took to be connected, ms; null for never. */
  arrive(login: Login, patienceMs?: number): Promise<number | null>;
  close(): Promise<void>;
}

export async function startDriver(setup: Setup): Promise<Driver> {
  const child = fork(MAIN, { execPath: NODE, execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, (answer: unknown) => void>();
  let count = 0;
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  const gone = ended.then(() => Promise.reject(new Error('the honest driver has ended')));
  gone.catch(() => {});
  function ask<T>(asked: Asked): Promise<T> {
    count += 1;
    const id = count;
    const answer = new Promise<T>((resolve) => waiting.set(id, resolve as (answer: unknown) => void));
    child.send({ id, asked });
    return Promise.race([answer, gone]);
  }
  await ask({ setup });
  return {
    begin: () => ask({ begin: true }),
    look: () => ask({ look: true }),
    drives: (patienceMs) => ask({ drive: patienceMs }),
    stop: () => ask({ stop: true }),
    send: (packets, perMs) => ask({ send: { packets: packets.map((one) => one.toString('base64')), perMs } }),
    arrive: (login, patienceMs = 10_000) => ask({ arrive: login, patienceMs }),
    close() {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}
