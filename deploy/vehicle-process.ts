/** A vehicle as a child process, started again when it dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ICE_VARIABLES } from '../broker/ice/from-environment.ts';
import type { Log } from '../shared/log.ts';
import { ACCESS_SECRET, TOKEN } from './access-options.ts';
import { READY } from './command-vehicle.ts';
import { EXIT } from './lifecycle.ts';

const ENTRY = fileURLToPath(new URL('plntry.ts', import.meta.url));
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
/** A vehicle that ran this long starts with the first delay again. */
const STEADY_MS = 60_000;
/** How long the vehicle may take to say goodbye, ms. */
const LEAVE_LIMIT_MS = 4_000;

/** Ends after which it is not started again, by exit status. */
const FOR_GOOD: Record<number, (room: string) => string> = {
  [EXIT.usage]: () => 'the vehicle did not take its options, and is not started again',
  [EXIT.replaced]: () => 'the vehicle was taken over by another agent, and is not started again',
  [EXIT.refused]: (room) => `the access of ${room} was ended: it is not started again until the next start`,
};

export interface VehicleProcess {
  /** Resolves when the vehicle runs for the first time. */
  ready: Promise<void>;
  /** Lets it leave, and resolves when it has ended. */
  close(): Promise<void>;
}

interface ForVehicle {
  /** Where what it keeps goes, if not where it would by itself. */
  data?: string | undefined;
  /** What it logs in with. */
  token?: string | undefined;
}

/** @param args options of `plntry vehicle`, beside the room */
export function startVehicleProcess(
  room: string,
  args: string[],
  log: Log,
  { data, token }: ForVehicle = {},
): VehicleProcess {
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>();
  let child: ChildProcess | null = null;
  let delay = FIRST_DELAY_MS;
  let timer: NodeJS.Timeout | undefined;
  let closing = false;

  function start(): void {
    const startedAt = Date.now();
    const process_ = fork(ENTRY, ['vehicle', '--room', room, ...args], {
      env: {
        ...vehicleEnvironment(process.env),
        ...(data ? { PLNTRY_DATA: data } : {}),
        // Not among its arguments, which everybody on the machine can read.
        ...(token ? { [TOKEN]: token } : {}),
      },
      // Its own process group: Ctrl-C is for us alone, we tell the vehicle. If we die, the channel closes.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child = process_;
    process_.on('message', (message) => {
      if (message === READY) setReady();
    });
    process_.on('error', (error) => log.error({ reason: error.message }, 'the vehicle could not be started'));
    process_.on('exit', (status, signal) => {
      child = null;
      if (closing) return;
      const forGood = status === null ? undefined : FOR_GOOD[status]?.(room);
      if (forGood !== undefined) return log.error({ status }, forGood);
      if (Date.now() - startedAt > STEADY_MS) delay = FIRST_DELAY_MS;
      log.error({ status, signal, retryMs: delay }, 'the vehicle ended unexpectedly, and is started again');
      timer = setTimeout(start, delay);
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
    });
  }

  start();
  return {
    ready,
    close() {
      closing = true;
      clearTimeout(timer);
      const leaving = child;
      if (!leaving) return Promise.resolve();
      return new Promise((resolve) => {
        const impatience = setTimeout(() => leaving.kill('SIGKILL'), LEAVE_LIMIT_MS);
        leaving.on('exit', () => {
          clearTimeout(impatience);
          resolve();
        });
        leaving.kill('SIGTERM');
      });
    },
  };
}

/** Without what is meant for the server: the vehicle asks it for ICE servers, and need not know its secrets. */
function vehicleEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const forServer = new Set([
    'PLNTRY_NAME',
    'PLNTRY_ICE_SERVERS',
    ACCESS_SECRET,
    ...Object.keys(ICE_VARIABLES),
  ]);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !forServer.has(name)));
}
