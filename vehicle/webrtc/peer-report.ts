/** What a vehicle's peer knows of the network, told anew with every change. */
import { MAX_LISTED, type PeerReport, type StateChange } from '../../shared/report.ts';

export interface Reporter {
  /** A part of the transport is in another state. */
  enter(of: StateChange['of'], state: string): void;
  /** Something has changed; what comes in one turn of the event loop is told once. */
  changed(): void;
  /** Nothing is told any more. */
  close(): void;
}

/** @param known all but the states, as it is now; lists may be too long */
export function createReporter(
  known: () => Omit<PeerReport, 'states'>,
  tell: (report: PeerReport) => void,
): Reporter {
  const states: StateChange[] = [];
  let due = false;
  let closed = false;

  function changed(): void {
    if (due || closed) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      if (!closed) tell(report());
    });
  }

  function report(): PeerReport {
    const { gathered, servers, pair, notes } = known();
    const first = <T>(list: T[]) => list.slice(0, MAX_LISTED);
    return {
      gathered: first(gathered),
      servers: first(servers),
      states: [...states],
      pair,
      notes: first(notes),
    };
  }

  return {
    enter(of, state) {
      if (states.findLast((each) => each.of === of)?.state === state) return;
      states.push({ at: Date.now(), of, state });
      if (states.length > MAX_LISTED) states.shift();
      changed();
    },
    changed,
    close() {
      closed = true;
    },
  };
}
