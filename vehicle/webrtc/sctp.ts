/**
 * What werift's SCTP gets wrong about messages that are not to be sent again (RFC 3758).
 *
 * Sending: it takes `maxRetransmits: 0` for no limit, gives up the first message in the queue instead of the
 * one it means, and says once, and never again, that something was given up. After a second without a path,
 * old messages of `control` would fill the congestion window, and new ones wait behind them.
 *
 * Receiving: of the messages that had to wait for an earlier one it hands over the first only, and throws
 * the others away when the other end gives up something of another stream. `events` would wait for ever.
 */
import type * as werift from 'werift';

/** Flag of a DATA chunk (RFC 9260, section 3.3.1). */
const UNORDERED = 4;

interface Chunk {
  tsn: number;
  maxRetransmits?: number;
  sentCount: number;
  abandoned: boolean;
  retransmit: boolean;
}

interface Received {
  tsn: number;
  flags: number;
  userData: Uint8Array;
}

interface InboundStream {
  /** What waits for what should have come before it. */
  reassembly: Received[];
  popMessages(): Generator<unknown>;
  pruneChunks(tsn: number): number;
}

/** As far as it is used here. */
interface Insides {
  getInboundStream(id: number): InboundStream;
  lastSackedTsn: number;
  forwardTsnChunk: { cumulativeTsn: number } | undefined;
  maybeAbandon(chunk: Chunk): boolean;
  updateAdvancedPeerAckPoint(): void;
}

/** Unordered messages must fit into one chunk each, as those of `control` do. */
export function mendSctp(transport: werift.RTCSctpTransport): void {
  const sctp = transport.sctp as unknown as Insides;
  const { updateAdvancedPeerAckPoint, getInboundStream } = sctp;
  let given: Insides['forwardTsnChunk'];

  sctp.maybeAbandon = (chunk) => {
    if (chunk.maxRetransmits === undefined || chunk.sentCount <= chunk.maxRetransmits) return chunk.abandoned;
    chunk.abandoned = true;
    chunk.retransmit = false;
    return true;
  };

  sctp.updateAdvancedPeerAckPoint = () => {
    updateAdvancedPeerAckPoint.call(sctp);
    given = sctp.forwardTsnChunk ?? given;
    // Until the other end has acknowledged it (RFC 3758, section 3.5, C3 and A5).
    if (given && isAfter(given.cumulativeTsn, sctp.lastSackedTsn)) sctp.forwardTsnChunk = given;
    else given = undefined;
  };

  const mended = new WeakSet<InboundStream>();
  sctp.getInboundStream = (id) => {
    const stream = getInboundStream.call(sctp, id);
    if (!mended.has(stream)) mendStream(stream);
    mended.add(stream);
    return stream;
  };
}

function mendStream(stream: InboundStream): void {
  const { popMessages } = stream;
  stream.popMessages = function* () {
    for (let before = -1; before !== stream.reassembly.length; ) {
      before = stream.reassembly.length;
      yield* popMessages.call(stream);
    }
  };
  // What is ordered is reliable here, so nothing of it is ever given up.
  stream.pruneChunks = (tsn) => {
    const obsolete = ({ flags, tsn: own }: Received) => (flags & UNORDERED) !== 0 && !isAfter(own, tsn);
    const pruned = stream.reassembly.filter(obsolete);
    stream.reassembly = stream.reassembly.filter((chunk) => !obsolete(chunk));
    return pruned.reduce((bytes, { userData }) => bytes + userData.length, 0);
  };
}

/** Serial numbers of 32 bits (RFC 1982). */
const isAfter = (a: number, b: number): boolean => a !== b && (a - b) >>> 0 < 0x8000_0000;
