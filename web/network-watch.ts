/** Notices that this machine is on another network, as far as a browser says so. */

interface NetworkInformation extends EventTarget {
  /** https://wicg.github.io/netinfo/ */
  type?: string;
}

/**
 * @param onChange connections that were made before may be dead
 * @returns the undo
 */
export function watchNetwork(onChange: () => void): () => void {
  const { connection } = navigator as Navigator & { connection?: NetworkInformation };
  let type = connection?.type;
  const onConnection = () => {
    // Estimates of the speed change all the time.
    if (connection?.type === type) return;
    type = connection?.type;
    onChange();
  };
  addEventListener('online', onChange);
  connection?.addEventListener('change', onConnection);
  return () => {
    removeEventListener('online', onChange);
    connection?.removeEventListener('change', onConnection);
  };
}
