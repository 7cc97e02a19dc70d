/** What a vehicle says of the path of each session, `link`: once a second, and once more when it ends. */
import type { Clock } from './clock.ts';
import type { Body } from './messages.ts';
import { asBothKnow } from './path.ts';
import type { PathStats } from './peer.ts';
import type { Reports } from './reports.ts';
import type { Session } from './session.ts';
import { linkMessage } from './vehicle-reports.ts';

/** A session, and what its ends know of the network. */
export interface Connected {
  session: Pick<Session, 'link' | 'stats'>;
  reports: { now: Reports };
}

export interface LinkReports {
  /** Says how the path of each connected session is now. Resolves with whether one of them is relayed. */
  sayAll(operators: ReadonlyMap<string, Connected>): Promise<boolean>;
  /** Says, when they have come, the last figures of a session: what was relayed since then counts too. */
  sayLast(operator: string, session: string, last: Promise<PathStats | null>): void;
  /** Resolves when all that was to be said is said. */
  settled(): Promise<unknown>;
}

export function createLinkReports(
  publish: (operator: string, body: Body<'link'>) => void,
  clock: Clock,
): LinkReports {
  /** What was said of each operator's session, and when. */
  const said = new Map<string, { stats: PathStats; at: number }>();
  const pending = new Set<Promise<void>>();

  function say(operator: string, session: string, stats: PathStats): void {
    const at = clock.now();
    const before = said.get(keyOf(operator, session));
    publish(operator, linkMessage(session, stats, before?.stats ?? null, at - (before?.at ?? at)));
    said.set(keyOf(operator, session), { stats, at });
  }

  return {
    async sayAll(operators) {
      let relayed = false;
      for (const [operator, { session, reports }] of [...operators]) {
        const { link } = session;
        const seen = link.phase === 'connected' ? await session.stats() : null;
        const stats = seen && asBothKnow(seen, reports.now.here, reports.now.there);
        if (stats && link.phase === 'connected' && session.link === link) say(operator, link.session, stats);
        // One that is interrupted will most likely go on as it was.
        const before = link.phase === 'restoring' ? said.get(keyOf(operator, link.session))?.stats : null;
        relayed ||= (stats ?? before)?.path === 'relay';
      }
      return relayed;
    },
    sayLast(operator, session, last) {
      // Of a connection that never was there is nothing to say.
      const known = said.has(keyOf(operator, session));
      const done = last.then((stats) => {
        pending.delete(done);
        if (stats && (known || stats.relayBytes > 0)) say(operator, session, stats);
        said.delete(keyOf(operator, session));
      });
      pending.add(done);
    },
    settled: () => Promise.all(pending),
  };
}

/** A session's name is one among those of its operator only. */
const keyOf = (operator: string, session: string) => `${operator} ${session}`;
