/** What a vehicle's peer knows of the network, told anew with every change. */
import type * as werift from 'werift';
import { MAX_LISTED, type PeerReport, type StateChange } from '../../shared/report.ts';
import type { Gathering } from './gathering.ts';
import { gatheredOf } from './path-stats.ts';

export interface Reporter {
  /** Something has changed; what comes in one turn of the event loop is told once. */
  changed(): void;
  /** Nothing is told any more. */
  close(): void;
}

/** @param notes what else went wrong, each a sentence */
export function createReporter(
  connection: werift.RTCPeerConnection,
  channels: werift.RTCDataChannel[],
  gathering: Gathering,
  notes: () => string[],
  tell: (report: PeerReport) => void,
): Reporter {
  const [transport] = connection.dtlsTransports;
  const ice = transport?.iceTransport.connection;
  const states: StateChange[] = [];
  let due = false;
  let closed = false;

  enter('gathering', connection.iceGatheringState);
  enter('ice', connection.iceConnectionState);
  connection.iceGatheringStateChange.subscribe((state) => enter('gathering', state));
  connection.iceConnectionStateChange.subscribe((state) => enter('ice', state));
  transport?.onStateChange.subscribe((state) => enter('dtls', state));
  for (const channel of channels) channel.stateChanged.subscribe(() => enter('channels', stateOf(channels)));

  function enter(of: StateChange['of'], state: string): void {
    if (states.findLast((each) => each.of === of)?.state === state) return;
    states.push({ at: Date.now(), of, state });
    if (states.length > MAX_LISTED) states.shift();
    changed();
  }

  function changed(): void {
    if (due || closed) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      if (!closed) tell(report());
    });
  }

  function report(): PeerReport {
    const pair = ice?.nominated;
    return {
      gathered: (ice?.localCandidates ?? []).map(gatheredOf).slice(0, MAX_LISTED),
      servers: gathering.answers().slice(0, MAX_LISTED),
      states: [...states],
      pair: pair
        ? {
            local: gatheredOf(pair.localCandidate),
            remote: gatheredOf(pair.remoteCandidate),
          }
        : null,
      notes: notes().slice(0, MAX_LISTED),
    };
  }

  return {
    changed,
    close() {
      closed = true;
    },
  };
}

/** Of several channels together: open when all are. */
function stateOf(channels: werift.RTCDataChannel[]): string {
  const states = channels.map(({ readyState }) => readyState);
  return (['closed', 'closing', 'connecting'] as const).find((each) => states.includes(each)) ?? 'open';
}
