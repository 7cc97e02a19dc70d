/** How many are let in at a time; those who come and find no place wait for one. */
export interface AdmissionOptions {
  /** Places. */
  most: number;
  /** Places that are taken now. */
  taken(): number;
  onTurnedAway(peer: string): void;
}

export function createAdmission({ most, taken, onTurnedAway }: AdmissionOptions) {
  /** Who waits, the first first, with their epochs. */
  const waiting = new Map<string, number>();

  return {
    /** Whether there is a place for a newcomer; one for whom there is none waits. */
    ask(peer: string, epoch: number): boolean {
      if (taken() < most) return true;
      waiting.set(peer, epoch);
      onTurnedAway(peer);
      return false;
    },
    /** Does not wait any more. */
    leave: (peer: string) => waiting.delete(peer),
    /** Those who wait, one by one, as long as there are places: each is to take one. */
    *next(): Generator<[peer: string, epoch: number]> {
      for (const entry of waiting) {
        if (taken() >= most) return;
        waiting.delete(entry[0]);
        yield entry;
      }
    },
  };
}
