/// <reference path="./multicast-dns.d.ts" />
/**
 * Addresses behind the names that browsers hide theirs with (draft-ietf-mmusic-mdns-ice-candidates), asked for
 * by multicast DNS (RFC 6762) and never at the system's resolver, which would tell a name server of them, and
 * block a thread for each. Anybody in the network can answer, so the caller judges what comes.
 */
import multicastDns from 'multicast-dns';

/** A name that was not answered for then is given up, ms; it is asked for again after each of these. */
const LIMIT_MS = 3_000;
const AGAIN_MS = [250, 1_000];

export interface MdnsLookup {
  /** @param found is called once at most, IPv4 before IPv6 */
  lookUp(name: string, found: (address: string) => void): void;
  close(): void;
}

/** Its socket is open as long as something is asked. */
export function createMdnsLookup(usable: (address: string) => boolean): MdnsLookup {
  const asking = new Map<string, { found: (address: string) => void; timers: NodeJS.Timeout[] }>();
  let socket: ReturnType<typeof multicastDns> | null = null;

  function open(): ReturnType<typeof multicastDns> {
    if (socket) return socket;
    socket = multicastDns();
    socket.on('error', close);
    socket.on('warning', () => {});
    socket.on('response', ({ answers }) => {
      // One answer may have both families.
      const sorted = answers.toSorted((one, other) => one.type.localeCompare(other.type));
      for (const { name, type, data } of sorted) {
        if (type === 'A' || type === 'AAAA') answered(name.toLowerCase(), String(data));
      }
    });
    return socket;
  }

  function answered(name: string, address: string): void {
    const entry = asking.get(name);
    if (!entry || !usable(address)) return;
    end(name);
    entry.found(address);
  }

  function end(name: string): void {
    for (const timer of asking.get(name)?.timers ?? []) clearTimeout(timer);
    asking.delete(name);
    if (asking.size === 0) close();
  }

  function close(): void {
    for (const { timers } of asking.values()) for (const timer of timers) clearTimeout(timer);
    asking.clear();
    socket?.destroy();
    socket = null;
  }

  return {
    lookUp(given, found) {
      const name = given.toLowerCase();
      if (asking.has(name)) return;
      const ask = () =>
        open().query([
          { name, type: 'A' },
          { name, type: 'AAAA' },
        ]);
      const timers = AGAIN_MS.map((ms) => setTimeout(ask, ms));
      timers.push(setTimeout(() => end(name), LIMIT_MS));
      asking.set(name, { found, timers });
      ask();
    },
    close,
  };
}
