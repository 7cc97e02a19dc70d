/** How one MQTT connection comes by credentials that the broker takes, now and when they run out. */
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';

/** Mean wait before whoever hands them out is asked again, ms; spread by half each way. */
const AGAIN_MS = 800;

export interface LoginOptions {
  credentials: Credentials | undefined;
  clock: Clock;
  /** There are new ones: time to connect with them. */
  onNew(): void;
  /** There will be none any more. */
  onRefused(why: string): void;
  /** Whoever hands them out can't be reached; it is tried again. */
  onProblem(detail: string): void;
}

export type Login = ReturnType<typeof createLogin>;

export function createLogin({ credentials, clock, onNew, onRefused, onProblem }: LoginOptions) {
  let cancel = () => {};
  let asking = false;
  /** Of what the broker has refused, new ones are tried once. */
  let triedNew = false;
  let closed = false;

  async function ask(): Promise<void> {
    if (!credentials || asking || closed) return;
    cancel();
    asking = true;
    const why = await credentials.renew().catch((error: Error) => error);
    asking = false;
    if (closed) return;
    if (why === null) return onNew();
    if (typeof why === 'string') return onRefused(why);
    cancel = clock.after(AGAIN_MS * (0.5 + Math.random()), () => void ask());
    onProblem(`no new credentials: ${why.message}`);
  }

  return {
    /** What to say to the broker, if anything. */
    say: () => credentials?.current() ?? {},
    /** Whether there is something to say, or nothing needs to be said. If not, it is asked for. */
    ready(): boolean {
      if (asking) return false;
      if (!credentials || credentials.current()) return true;
      void ask();
      return false;
    },
    /** The broker has let this client in; before the credentials run out there will be others. */
    accepted(): void {
      triedNew = false;
      cancel();
      const remaining = credentials?.remaining() ?? Number.POSITIVE_INFINITY;
      if (Number.isFinite(remaining)) cancel = clock.after(Math.max(0, remaining), () => void ask());
    },
    /** The broker has not. @returns whether others are asked for */
    rejected(): boolean {
      if (!credentials || triedNew) return false;
      triedNew = true;
      void ask();
      return true;
    },
    close(): void {
      closed = true;
      cancel();
    },
  };
}
