/** How many connections there are, in all and per address. Counted before a byte of them is read. */
import { addressKey } from './addresses.ts';
import type { Limits, Refusal } from './limits.ts';

export type Admission = { ok: true; release(): void } | { ok: false; refusal: Refusal };

export interface Connections {
  /**
   * @param address null when it is not known yet, as behind a proxy: only all are counted then
   * @returns release is to be called when the connection has ended; only the first call counts
   */
  admit(address: string | undefined | null): Admission;
  /** Counts an address alone, of a connection that was admitted without one. */
  admitAddress(address: string | undefined): Admission;
  count(): number;
  /** Of the address with most. */
  most(): number;
}

export function createConnections(
  limits: Pick<Limits, 'connections' | 'connectionsPerAddress'>,
): Connections {
  const perAddress = new Map<string, number>();
  let all = 0;

  const once = (undo: () => void) => {
    let done = false;
    return () => {
      if (!done) undo();
      done = true;
    };
  };

  function admitAddress(address: string | undefined): Admission {
    const key = addressKey(address);
    const count = perAddress.get(key) ?? 0;
    if (count >= limits.connectionsPerAddress) {
      const reason = `there are ${count} connections from this address already`;
      return { ok: false, refusal: { limit: 'connectionsPerAddress', reason } };
    }
    perAddress.set(key, count + 1);
    const release = once(() => {
      const left = (perAddress.get(key) ?? 1) - 1;
      if (left === 0) perAddress.delete(key);
      else perAddress.set(key, left);
    });
    return { ok: true, release };
  }

  return {
    admit(address) {
      if (all >= limits.connections) {
        return {
          ok: false,
          refusal: { limit: 'connections', reason: `there are ${all} connections already` },
        };
      }
      const ofAddress = address === null ? null : admitAddress(address);
      if (ofAddress && !ofAddress.ok) return ofAddress;
      all += 1;
      const release = once(() => {
        all -= 1;
        ofAddress?.release();
      });
      return { ok: true, release };
    },
    admitAddress,
    count: () => all,
    most: () => Math.max(0, ...perAddress.values()),
  };
}
