/** What came of a recorded session, in one sentence. Pure. */
import type { Recording } from './recording.ts';
import type { Tone } from './rows.ts';

export interface Outcome {
  tone: Tone;
  text: string;
}

export function outcomeOf({ entries, session, startedAt }: Recording): Outcome {
  const states = entries.flatMap((entry) => (entry.type === 'state' && entry.of === 'session' ? entry : []));
  const since = (at: number) => readable(at - begunAt(entries, startedAt));
  const connected = states.find(({ state }) => state === 'connected');
  const last = states.at(-1);
  const end = last && ENDS.has(last.state) ? last : null;
  const why = end?.detail ? `: ${end.detail.replace(/\.$/, '')}` : '';
  if (connected && end) {
    return {
      tone: 'careful',
      text: `Connected after ${since(connected.at)}, over after ${readable(end.at - connected.at)}${why}.`,
    };
  }
  if (connected) {
    const restarts = states.filter(({ state }) => state === 'restoring').length;
    const more =
      restarts > 0 ? `, and looked for another path ${restarts === 1 ? 'once' : `${restarts} times`}` : '';
    return { tone: 'fine', text: `Connected after ${since(connected.at)}${more}.` };
  }
  if (end && session)
    return { tone: 'danger', text: `Not connected; given up after ${since(end.at)}${why}.` };
  if (session) return { tone: 'careful', text: 'Not connected so far.' };
  return { tone: 'careful', text: 'No session: the vehicle has offered none.' };
}

const ENDS = new Set(['ended', 'retrying', 'waiting']);

/** An attempt begins when the operator shows itself. */
function begunAt(entries: Recording['entries'], startedAt: number): number {
  const shown = entries.find(
    (entry) => entry.type === 'message' && entry.from === 'operator' && entry.kind === 'presence',
  );
  return shown?.at ?? startedAt;
}

/** @param ms */
export function readable(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  // To the tenth: what follows within a second is to be told apart.
  return `${minutes} min ${(Math.floor((ms % 60_000) / 100) / 10).toFixed(1)} s`;
}
