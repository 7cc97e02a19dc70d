/**
 * Which of the other end's candidates are used, and of what. They are not signed: whoever has the broker
 * could name any place, any number of times, and have this machine send there or look names up. Pure.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { Candidate } from '../../shared/messages.ts';
import type { Gathered } from '../../shared/report.ts';

/** Different ones of one session. A browser with several networks and relays has some twenty. */
const MOST_CANDIDATES = 64;
/** Names that are looked up for one session. */
const MOST_NAMES = 8;
/** Of each type that are checked. libjuice keeps twenty in all: some are left for what checks come from. */
const MOST_OF_TYPE: Record<Gathered['type'], number> = { host: 5, srflx: 4, prflx: 0, relay: 4 };
/** A name that a browser has made up to hide an address (draft-ietf-mmusic-mdns-ice-candidates). */
const MDNS_NAME = /^[a-z0-9-]{1,63}\.local$/i;

const NOWHERE = new BlockList();
NOWHERE.addSubnet('0.0.0.0', 8, 'ipv4');
NOWHERE.addSubnet('224.0.0.0', 4, 'ipv4');
NOWHERE.addSubnet('240.0.0.0', 4, 'ipv4');
NOWHERE.addAddress('::', 'ipv6');
NOWHERE.addSubnet('ff00::', 8, 'ipv6');
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export interface RemoteCandidate {
  /** An IP address, or a name ending in `.local`. */
  host: string;
  port: number;
  type: Gathered['type'];
}

/** Undefined for what is not an `a=candidate` line of UDP (RFC 8839, section 5.1) with a port. */
function parseCandidate(line: string): RemoteCandidate | undefined {
  const [, host = '', port, type = ''] =
    /^(?:a=)?candidate:\S+ 1 udp \d+ (\S+) (\d{1,5}) typ (host|srflx|prflx|relay)\b/i.exec(line) ?? [];
  const candidate = { host, port: Number(port), type: type.toLowerCase() as Gathered['type'] };
  return candidate.port >= 1 && candidate.port < 2 ** 16 ? candidate : undefined;
}

/** Whether checks may be sent to an address. */
export function isReachable(host: string, allowLoopback: boolean): boolean {
  if (isIP(host) === 0 || host.includes('%')) return false;
  // IPv4 in the clothes of IPv6 (::ffff:127.0.0.1) is nobody's candidate; a URL has one way to write each.
  if (!isIPv4(host) && /^\[::(?!1\])/.test(new URL(`http://[${host}]`).hostname)) return false;
  const family = isIPv4(host) ? 'ipv4' : 'ipv6';
  return !NOWHERE.check(host, family) && (allowLoopback || !LOOPBACK.check(host, family));
}

export type Admission = ReturnType<typeof createAdmission>;

/** For one session. */
export function createAdmission(allowLoopback: boolean) {
  const seen = new Set<string>();
  const ofType = new Map<string, number>();
  let names = 0;
  return {
    /** A candidate that is used; `lookUp` when it has a name that has to be looked up first. */
    admit({ candidate: line }: Candidate): { candidate: RemoteCandidate; lookUp: boolean } | null {
      if (seen.has(line) || seen.size >= MOST_CANDIDATES) return null;
      seen.add(line);
      const candidate = parseCandidate(line);
      if (!candidate) return null;
      const lookUp = MDNS_NAME.test(candidate.host);
      if (lookUp ? ++names > MOST_NAMES : !isReachable(candidate.host, allowLoopback)) return null;
      return { candidate, lookUp };
    },
    /** Whether another one of this type is checked. */
    checks({ type }: RemoteCandidate): boolean {
      const count = (ofType.get(type) ?? 0) + 1;
      ofType.set(type, count);
      return count <= MOST_OF_TYPE[type];
    },
    /** Whether a name's answer is used. */
    found: (host: string): boolean => isReachable(host, allowLoopback),
  };
}
