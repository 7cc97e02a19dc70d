/** Notices that this machine has lost an address: what was sent from there gets no answer any more. */
import { networkInterfaces } from 'node:os';

/** Asking the kernel takes some 50 µs. */
const LOOK_MS = 200;

/**
 * @param onLost an address that was there is not there any more
 * @returns the undo
 */
export function watchAddresses(onLost: () => void): () => void {
  let before = addresses();
  const timer = setInterval(() => {
    const now = addresses();
    const lost = [...before].some((address) => !now.has(address));
    before = now;
    if (lost) onLost();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function addresses(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return new Set(all.filter(({ internal }) => !internal).map(({ address }) => address));
}
