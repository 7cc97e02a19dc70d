/** The other end's candidates, from the broker into ICE. */
import type { Candidate } from '../../shared/messages.ts';
import type { Gathered } from '../../shared/report.ts';
import { createAdmission, type RemoteCandidate } from './candidates.ts';
import { createMdnsLookup } from './mdns.ts';
import type { Address } from './stun.ts';

/** Of those that come before the answer. */
const MOST_EARLY = 64;

export interface RemoteOptions {
  allowLoopback: boolean;
  /** Has an address checked. */
  check(address: Address): void;
  /** Lets packets from an address through this end's relays. */
  permit(host: string): void;
}

export type Remote = ReturnType<typeof createRemote>;

export function createRemote({ allowLoopback, check, permit }: RemoteOptions) {
  const admission = createAdmission(allowLoopback);
  const mdns = createMdnsLookup(admission.found);
  const hosts = new Set<string>();
  const types = new Map<string, Gathered['type']>();
  /** Until the answer is there ICE takes none. */
  let early: Candidate[] | null = [];
  let closed = false;

  function use(candidate: RemoteCandidate, host: string): void {
    if (closed) return;
    types.set(`${host} ${candidate.port}`, candidate.type);
    hosts.add(host);
    permit(host);
    if (admission.checks(candidate)) check([host, candidate.port]);
  }

  function add(candidate: Candidate): void {
    if (closed) return;
    if (early) {
      if (early.length < MOST_EARLY) early.push(candidate);
      return;
    }
    const admitted = admission.admit(candidate);
    if (!admitted) return;
    const { candidate: parsed, lookUp } = admitted;
    if (lookUp) mdns.lookUp(parsed.host, (address) => use(parsed, address));
    else use(parsed, parsed.host);
  }

  return {
    add,
    /** The answer is there. @param sdp may have candidates, too */
    answered(sdp: string): void {
      const waiting = early ?? [];
      early = null;
      const inSdp = [...sdp.matchAll(/^a=(candidate:.*?)\r?$/gm)].map(([, line = '']) => line);
      for (const line of inSdp) add({ candidate: line, sdpMid: null, sdpMLineIndex: null });
      for (const candidate of waiting) add(candidate);
    },
    /** IP addresses that it has named. */
    hosts: (): Iterable<string> => hosts,
    /** As what it has named an address, if it has: one whose check was faster is known as `prflx` otherwise. */
    typeOf: ([host, port]: Address): Gathered['type'] | undefined => types.get(`${host} ${port}`),
    close(): void {
      closed = true;
      mdns.close();
    },
  };
}
