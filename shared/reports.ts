/**
 * What the two ends of a session know of the network. This end's report is told to the other end, whole
 * each time, so that a lost one costs nothing, and never so often or so soon that it is in the way of
 * descriptions and candidates. The other's is believed only for the session that it names.
 */
import type { Clock } from './clock.ts';
import type { Body, Report } from './messages.ts';
import { attemptOf, type Link, sessionOf } from './negotiation.ts';
import { NOTHING_REPORTED, type PeerReport, withinLimits } from './report.ts';

/** From a session's first news to its first message: descriptions and first candidates go before, ms. */
const FIRST_MS = 100;
/** Between two messages, ms. */
const INTERVAL_MS = 250;
/** Sessions that are kept: the one in use, and one that is to replace it. */
const MOST_SESSIONS = 2;

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

interface Entry {
  here: PeerReport;
  there: PeerReport | null;
  sent: boolean;
  cancel: (() => void) | null;
}

export function createReports({ send, onChange, onDrop, clock }: ReportsOptions) {
  /** By session, the oldest first. */
  const entries = new Map<string, Entry>();
  let shown: string | null = null;

  const now = (): Reports => {
    const entry = shown === null ? undefined : entries.get(shown);
    return entry ? { session: shown, here: entry.here, there: entry.there } : NO_REPORTS;
  };

  function changed(session: string): void {
    if (session === shown) onChange(now());
  }

  function say(session: string): void {
    const entry = entries.get(session);
    if (!entry) return;
    entry.cancel?.();
    entry.cancel = null;
    if (entry.here === NOTHING_REPORTED) return;
    entry.sent = true;
    send({ session, ...withinLimits(entry.here) });
  }

  function add(session: string, here: PeerReport): void {
    entries.set(session, { here, there: null, sent: false, cancel: null });
    for (const old of entries.keys()) {
      if (entries.size <= MOST_SESSIONS) return;
      if (old !== shown && old !== session) forget(old);
    }
  }

  function forget(session: string): void {
    entries.get(session)?.cancel?.();
    entries.delete(session);
  }

  return {
    get now(): Reports {
      return now();
    },
    /** This end's report of a session. */
    mine(session: string, here: PeerReport): void {
      const entry = entries.get(session);
      if (!entry) return add(session, here);
      entry.here = here;
      entry.cancel ??= clock.after(entry.sent ? INTERVAL_MS : FIRST_MS, () => say(session));
      changed(session);
    },
    /** The other end's. */
    theirs(message: Report | null): void {
      if (message === null) return onDrop('report', 'is empty');
      const { v: _, ts: __, session, ...there } = message;
      const entry = entries.get(session);
      if (!entry) return onDrop('report', 'another session');
      entry.there = there;
      changed(session);
    },
    /** Shows the session in use; while that is silent, the one that is to replace it. */
    follow(link: Link): void {
      const attempt = link.phase === 'restoring' ? attemptOf(link) : null;
      const session = attempt?.session ?? sessionOf(link);
      if (session === null || session === shown) return;
      shown = session;
      onChange(now());
    },
    /** Sends this end's at once: the session has come to something, or the broker is back. */
    say(): void {
      if (shown !== null) say(shown);
    },
    stop(): void {
      for (const session of [...entries.keys()]) forget(session);
    },
  };
}
