/**
 * What the two ends of a session know of the network. This end's report is told to the other end, whole
 * each time, so that a lost one costs nothing, and never so often or so soon that it is in the way of
 * descriptions and candidates. The other's is believed only for the session that it names.
 */
import type { Clock } from './clock.ts';
import type { Body, Report } from './messages.ts';
import type { Link } from './negotiation.ts';
import { NOTHING_REPORTED, type PeerReport, withinLimits } from './report.ts';

/** From a session's first news to its first message: descriptions and first candidates go before, ms. */
const FIRST_MS = 100;
/** Between two messages, ms. */
const INTERVAL_MS = 250;

/** Of the current session, or of the last one while there is none. */
export interface Reports {
  readonly session: string | null;
  /** Null before there is a session. */
  readonly here: PeerReport | null;
  /** Null until the other end has sent one. */
  readonly there: PeerReport | null;
}

export const NO_REPORTS: Reports = { session: null, here: null, there: null };

export const hasFailed = (link: Link): boolean =>
  link.phase === 'retrying' || (link.phase === 'ended' && link.reason === 'failed');

/** What led to it is to be known at the other end now. */
export const hasComeToSomething = (link: Link): boolean => link.phase === 'connected' || hasFailed(link);

export interface ReportsOptions {
  send(body: Body<'report'>): void;
  onChange(reports: Reports): void;
  onDrop(what: string, why: string): void;
  clock: Clock;
}

export function createReports({ send, onChange, onDrop, clock }: ReportsOptions) {
  let now = NO_REPORTS;
  let sent = false;
  let cancel: (() => void) | null = null;

  function change(next: Reports): void {
    now = next;
    onChange(now);
  }

  function stop(): void {
    cancel?.();
    cancel = null;
  }

  function say(): void {
    stop();
    const { session, here } = now;
    if (session === null || here === null || here === NOTHING_REPORTED) return;
    sent = true;
    send({ session, ...withinLimits(here) });
  }

  return {
    get now(): Reports {
      return now;
    },
    /** This end's report; that of a new session takes the place of all that was. */
    mine(session: string, here: PeerReport): void {
      if (session !== now.session) {
        stop();
        sent = false;
        return change({ session, here, there: null });
      }
      change({ ...now, here });
      cancel ??= clock.after(sent ? INTERVAL_MS : FIRST_MS, say);
    },
    /** The other end's. */
    theirs(message: Report | null): void {
      if (message === null) return onDrop('report', 'is empty');
      const { v: _, ts: __, session, ...there } = message;
      if (session !== now.session) return onDrop('report', 'another session');
      change({ ...now, there });
    },
    /** Sends this end's at once: the session has come to something, or the broker is back. */
    say,
    stop,
  };
}
