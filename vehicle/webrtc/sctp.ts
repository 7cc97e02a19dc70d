/**
 * What werift's SCTP gets wrong about messages that are not to be sent again (RFC 3758): it takes
 * `maxRetransmits: 0` for no limit, gives up the first message in the queue instead of the one it means,
 * and says once, and never again, that something was given up. After a second without a path, old messages
 * of `control` would fill the congestion window, and new ones wait behind them.
 */
import type * as werift from 'werift';

interface Chunk {
  tsn: number;
  maxRetransmits?: number;
  sentCount: number;
  abandoned: boolean;
  retransmit: boolean;
}

/** As far as it is used here. */
interface Insides {
  lastSackedTsn: number;
  forwardTsnChunk: { cumulativeTsn: number } | undefined;
  maybeAbandon(chunk: Chunk): boolean;
  updateAdvancedPeerAckPoint(): void;
}

/** Messages must fit into one chunk each, as those of `control` do. */
export function mendSctp(transport: werift.RTCSctpTransport): void {
  const sctp = transport.sctp as unknown as Insides;
  const { updateAdvancedPeerAckPoint } = sctp;
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
}

/** Serial numbers of 32 bits (RFC 1982). */
const isAfter = (a: number, b: number): boolean => a !== b && (a - b) >>> 0 < 0x8000_0000;
