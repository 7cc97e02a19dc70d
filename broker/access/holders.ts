/**
 * Whether a peer's access is over, by what was ever given to it: also of one that has not been connected since the
 * server started, and drives all the same, over WebRTC.
 */
import type { Log } from '../../shared/log.ts';
import { sessionOfPeer } from '../../shared/roles.ts';
import type { Endings } from './endings.ts';
import { type Granted, grantedVersion, readGranted } from './register.ts';

export interface Holders {
  /** Reads what has been given since; for before questions are asked. */
  refresh(): void;
  /** Null while it has access, and for a peer that nothing is known of. */
  over(peer: string): 'ended' | 'expired' | null;
}

/** @param now seconds since the epoch */
export function createHolders(folder: string, endings: Endings, now: () => number, log: Log): Holders {
  /** By the peer, or what the ids of a session's peers begin with. */
  let given = new Map<string, Granted[]>();
  let version = '';

  return {
    refresh() {
      try {
        const latest = grantedVersion(folder);
        // A list that is gone says nothing of those that were in it.
        if (latest === version || latest === '') return;
        const next = new Map<string, Granted[]>();
        for (const one of readGranted(folder)) {
          if (one.sub === undefined || (one.kind !== 'token' && one.kind !== 'session')) continue;
          const others = next.get(one.sub) ?? [];
          others.push(one);
          next.set(one.sub, others);
        }
        given = next;
        version = latest;
      } catch (error) {
        // Those that are known go on to be.
        log.debug({ reason: (error as Error).message }, 'who was given access can’t be read');
      }
    },
    over(peer) {
      // A token may have been given to a name that looks like a page's.
      const all = [...new Set([peer, sessionOfPeer(peer)])].flatMap((sub) => given.get(sub) ?? []);
      const verdicts = all.map(({ id, from, issued, until }) => {
        if (endings.has({ id, from: from === undefined ? [] : [from], sub: peer, issued })) return 'ended';
        return now() >= until ? 'expired' : null;
      });
      if (verdicts.length === 0 || verdicts.includes(null)) return null;
      return verdicts.includes('ended') ? 'ended' : 'expired';
    },
  };
}
