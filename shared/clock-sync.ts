/**
 * The other end's clock, estimated as in NTP (RFC 5905, section 8): of the last samples the one with
 * the shortest round trip is believed, as it had the least queueing in it.
 */
const SAMPLES = 16;

export interface ClockEstimate {
  /** To be added to this clock to get the other's, ms. */
  offset: number;
  /** Shortest round trip of the last samples, ms. */
  rtt: number;
}

/** Collects samples; each call returns the estimate with the new sample in it. */
export function createClockSync() {
  const samples: ClockEstimate[] = [];
  /**
   * @param sent when this end asked, on its clock, ms
   * @param remote when the other end answered, on its clock, ms
   * @param received when the answer came, on this clock, ms
   */
  return (sent: number, remote: number, received: number): ClockEstimate => {
    const rtt = received - sent;
    samples.push({ rtt, offset: remote - sent - rtt / 2 });
    if (samples.length > SAMPLES) samples.shift();
    return samples.reduce((best, sample) => (sample.rtt < best.rtt ? sample : best));
  };
}
