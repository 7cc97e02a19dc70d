/** What a werift connection has carried over relays. */
import type * as werift from 'werift';
import { createRelayCount, type PairCount } from '../../shared/relay-count.ts';

type IceConnection = werift.RTCIceTransport['connection'];
type Pair = NonNullable<IceConnection['nominated']>;

/**
 * Watches the pairs of a connection. Returns what looks at them, and answers with the bytes over relays
 * since the session began (see relay-count.ts).
 */
export function watchRelayed(connection: werift.RTCPeerConnection): () => number {
  /** Also those that an ICE restart has thrown away: what they carried last is still to be read. */
  const pairs = new Set<Pair>();
  const count = createRelayCount();
  return () => {
    const ice = connection.iceTransports[0]?.connection;
    if (ice) {
      for (const pair of ice.checkList) if (bytesOf(pair) > 0) pairs.add(pair);
      if (ice.nominated) pairs.add(ice.nominated);
    }
    return count(
      [...pairs].map((pair): PairCount => ({ key: pair, relays: relaysOf(pair, ice), bytes: bytesOf(pair) })),
    );
  };
}

const bytesOf = (pair: Pair) => pair.bytesSent + pair.bytesReceived;

/** How many of a pair's ends are relayed. */
export function relaysOf(pair: Pair, ice: IceConnection | undefined): PairCount['relays'] {
  const local = pair.localCandidate.type === 'relay' ? 1 : 0;
  return isRelayed(pair.remoteCandidate, ice) ? (local === 1 ? 2 : 1) : local;
}

/** An address that was heard from before it was announced stays `prflx`, with the announced one beside it. */
function isRelayed({ type, host, port }: Pair['remoteCandidate'], ice: IceConnection | undefined): boolean {
  if (type === 'relay') return true;
  const announced = ice?.remoteCandidates ?? [];
  return announced.some((one) => one.type === 'relay' && one.host === host && one.port === port);
}
