/**
 * How much of a session went over relays (TURN, RFC 8656): pure, from the counters of its candidate pairs.
 *
 * Counted is what users pay for: each byte sent or received, once for every allocation that it went
 * through, so twice when both ends are relayed. A byte is one of a datagram's payload as ICE hands it on
 * (SRTP, SRTCP, DTLS), without the headers of TURN, UDP and IP, and without connectivity checks.
 */

/** What a pair of candidates has carried. */
export interface PairCount {
  /** The same for the same pair, in every look at it. */
  key: unknown;
  /** How many of its two ends are relayed, 0 to 2, as far as it is known by now. */
  relays: number;
  /** Sent and received. */
  bytes: number;
}

export type RelayCount = (pairs: Iterable<PairCount>) => number;

/**
 * Adds up the pairs of one session. Returns what takes a look at those that are there now, and answers
 * with the bytes over relays since the session began, which never become fewer: pairs that are gone
 * (after an ICE restart) stay counted, and a counter that begins again is added to what it had.
 */
export function createRelayCount(): RelayCount {
  const seen = new Map<unknown, { relays: number; before: number; last: number }>();
  return (pairs) => {
    for (const { key, relays, bytes } of pairs) {
      const pair = seen.get(key) ?? { relays, before: 0, last: 0 };
      if (bytes < pair.last) pair.before += pair.last;
      pair.last = bytes;
      // That an address belongs to a relay may become known late; it was one from the beginning.
      pair.relays = Math.max(pair.relays, relays);
      seen.set(key, pair);
    }
    let total = 0;
    for (const { relays, before, last } of seen.values()) total += relays * (before + last);
    return total;
  };
}
