/** Everything that limits keep count of, in one server, and the one place where going over one is counted and said. */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import { type Claims, createClaims } from './claims.ts';
import { type Comings, createComings } from './comings.ts';
import { type Connections, createConnections } from './connections.ts';
import { kebab, type LimitName, type Limits, type Refusal, steadyClock } from './limits.ts';
import { createRetainedStore, type RetainedStore } from './retained.ts';
import { createSaidOnce } from './said-once.ts';

/** Different things that are said of those who were let in, in a minute: there are as many of them as tokens. */
const MOST_OF_KNOWN = 1_000;

export interface GuardOptions {
  limits: Limits;
  /** MQTT topic root. */
  root: string;
  /** Told each time that a limit is hit. */
  onHit(limit: LimitName): void;
  clock?: Clock;
}

export interface Guard {
  limits: Limits;
  /** Steady: only good for differences. */
  clock: Clock;
  connections: Connections;
  claims: Claims;
  retained: RetainedStore;
  attempts: Attempts;
  comings: Comings;
  /**
   * For refusals of any kind: one line for each key, however often it happens.
   * @param known it is about somebody who was let in; strangers, who may be any number, have lines of their own
   */
  sayOnce(key: string, fields: object, message: string, known?: boolean): void;
  /**
   * Counts and logs that somebody went over a limit.
   * @param who the client, or the address while there is none
   */
  over(refusal: Refusal, who: string, fields: object, message?: string, known?: boolean): void;
  /** What is used of those limits that are of the whole server. */
  used(): Partial<Record<LimitName, number>>;
  close(): void;
}

export function createGuard({ limits, root, onHit, clock = steadyClock }: GuardOptions, log: Log): Guard {
  const [ofKnown, ofStrangers] = [createSaidOnce(log, clock, MOST_OF_KNOWN), createSaidOnce(log, clock)];
  const sayOnce: Guard['sayOnce'] = (key, fields, message, known = false) =>
    (known ? ofKnown : ofStrangers).say(key, fields, message);
  const connections = createConnections(limits);
  const retained = createRetainedStore(limits);

  function over(
    { limit, reason }: Refusal,
    who: string,
    fields: object,
    message = 'over a limit',
    known = false,
  ): void {
    onHit(limit);
    sayOnce(`${limit} ${who} ${message}`, { ...fields, limit: kebab(limit), reason }, message, known);
  }

  return {
    limits,
    clock,
    connections,
    claims: createClaims(limits, root),
    retained,
    comings: createComings(limits),
    attempts: createAttempts(limits, (refusal, address) =>
      over(refusal, address, { remote: address }, 'log-in attempts refused'),
    ),
    sayOnce,
    over,
    used: () => ({
      connections: connections.count(),
      connectionsPerAddress: connections.most(),
      retainedMessages: retained.count(),
      retainedBytes: retained.bytes(),
    }),
    close() {
      ofKnown.close();
      ofStrangers.close();
    },
  };
}
