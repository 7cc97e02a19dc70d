/**
 * Connectivity checks that werift leaves out.
 *
 * It checks the pairs that it knows while it connects, and nothing that comes later: no relay that took its
 * time, and nothing at all after a restart. And it stays with the pair whose check was answered first; here
 * a better one takes over (RFC 8445, section 8.1.1), so that a relay is not kept where there is a direct path.
 */
import * as werift from 'werift';
import { insidesOf } from './insides.ts';

/** Between two checks, ms; as in werift. RFC 8445, section 14.2, has 50, or less when the path carries it. */
const PACE_MS = 20;

const { SUCCEEDED, WAITING } = werift.CandidatePairState;

export interface Checks {
  /** There may be pairs that nobody has checked yet. */
  kick(): void;
  close(): void;
}

/** @param onNominated another pair is in use */
export function completeChecks(transport: werift.RTCDtlsTransport, onNominated: () => void): Checks {
  const connection = transport.iceTransport.connection as werift.Connection;
  const insides = insidesOf(connection);
  const { checkComplete } = insides;
  let timer: NodeJS.Timeout | undefined;

  insides.checkComplete = (pair) => {
    // An answer that comes after the end, or after a restart, is about a path that is no more.
    if (connection.state === 'closed' || !connection.checkList.includes(pair)) return;
    const before = connection.nominated;
    const waiting = connection.checkList.filter(({ state }) => state === WAITING);
    checkComplete.call(connection, pair);
    if (before && isBetter(pair, before)) connection.nominated = pair;
    const { nominated } = connection;
    if (!nominated || nominated === before) return;
    // Those that were not checked yet are given up then, but a better one is worth a check.
    for (const each of waiting) if (comparePairs(each, nominated) > 0) each.updateState(WAITING);
    kick();
    // The first time werift goes on by itself; after a restart, nothing is sent until somebody does this.
    if (transport.state === 'connected') {
      insides.queryConsent();
      insides.setState('connected');
    }
    onNominated();
  };

  const add = connection.addRemoteCandidate.bind(connection);
  connection.addRemoteCandidate = async (candidate) => {
    // After the last one werift gives up when it has nothing to check, although a relay may be on its way,
    // or a check from an address that a browser has hidden. How long to wait is the session's decision.
    if (!candidate) return;
    await add(candidate);
    kick();
  };

  function kick(): void {
    if (timer === undefined) next();
  }

  function next(): void {
    timer = undefined;
    const { nominated, checkList, remotePassword, state } = connection;
    if (!remotePassword || state === 'closed') return;
    const pair = checkList.find(
      (each) => each.state === WAITING && !(nominated && comparePairs(each, nominated) <= 0),
    );
    if (!pair) return;
    pair.handle = connection.checkStart(pair);
    timer = setTimeout(next, PACE_MS);
  }

  return { kick, close: () => clearTimeout(timer) };
}

function isBetter(pair: werift.CandidatePair, than: werift.CandidatePair): boolean {
  const succeeded = pair.nominated && pair.state === SUCCEEDED;
  return succeeded && comparePairs(pair, than) > 0;
}

/** Positive when the first is better: the worse of two candidates counts first (RFC 8445, section 6.1.2.3). */
function comparePairs(a: werift.CandidatePair, b: werift.CandidatePair): number {
  const priorities = ({ localCandidate, remoteCandidate }: werift.CandidatePair) =>
    [localCandidate.priority, remoteCandidate.priority].sort((low, high) => low - high) as [number, number];
  const [[lowA, highA], [lowB, highB]] = [priorities(a), priorities(b)];
  return lowA - lowB || highA - highB;
}
