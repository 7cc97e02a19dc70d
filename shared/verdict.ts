/**
 * Why two ends of a session have a path between them, or none: one sentence that names the end and what
 * it lacks, and what to do about it. Pure, from what both have reported (report.ts).
 */
import type { Link } from './messages.ts';
import type { Gathered, PeerReport } from './report.ts';
import { whileConnected } from './verdict/connected.ts';
import { whyFailed } from './verdict/failed.ts';
import type { LackCode } from './verdict/lack.ts';
import { type End, nameOf } from './verdict/words.ts';

export { type End, inOneText } from './verdict/words.ts';

export type VerdictCode =
  | 'checking'
  /** Connected: without a relay, or through one or two. */
  | 'direct'
  | 'relayed'
  /** Failed, for want of a relay at an end. */
  | LackCode
  /** Both have a relay, and nothing gets from one to the other. */
  | 'relays-apart'
  /** An end has no network address at all. */
  | 'no-address'
  /** One has IPv6 only, the other IPv4 only, and no relay is between them. */
  | 'ip-families'
  /** Two browsers that hide their addresses from each other, and no server that tells them. */
  | 'mdns-only'
  /** A path was found, but no keys were agreed on; or they were, and the channels did not open. */
  | 'dtls-failed'
  | 'channels-failed'
  /** An end has reported nothing. */
  | 'nothing-heard'
  | 'no-path';

export interface Verdict {
  state: 'checking' | 'connected' | 'failed';
  code: VerdictCode;
  /** Where something is missing, also while it is not missed; null where nothing is. */
  end: End | 'both' | null;
  /** One sentence. */
  title: string;
  /** What else is known; may be empty. */
  detail: string;
  /** What to do; may be empty. */
  advice: string;
  /** While connected, as soon as it is known. */
  path?: Path;
}

export interface Path {
  kind: Link['path'];
  /** How each end gets to the other. */
  vehicle: Gathered;
  operator: Gathered;
}

export interface Evidence {
  vehicle: PeerReport | null;
  operator: PeerReport | null;
  /** Of the session; one that is being restored is checking. */
  phase: Verdict['state'];
  /** The end at which it is read. */
  reader: End;
}

export function verdict(evidence: Evidence): Verdict {
  if (evidence.phase === 'connected') return whileConnected(evidence);
  if (evidence.phase === 'failed') return whyFailed(evidence);
  return whileChecking(evidence);
}

/** What would be said if it failed now is told as far as it will not change by waiting. */
function whileChecking(evidence: Evidence): Verdict {
  const { reader } = evidence;
  const { code, end, title, advice } = whyFailed(evidence);
  const certain = SETTLED.includes(code);
  return {
    state: 'checking',
    code: 'checking',
    end: certain ? end : null,
    title: `Looking for a path between ${nameOf('vehicle', reader)} and ${nameOf('operator', reader)}.`,
    detail: certain ? title : '',
    advice: certain ? advice : '',
  };
}

const SETTLED: VerdictCode[] = ['turn-refused', 'turn-unknown', 'provider-failed'];
