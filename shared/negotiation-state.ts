/** The unions of the negotiation: State, Event, Effect, and the ids of sessions. */
import type { Bye, Candidate, Ice, Sdp } from './messages.ts';

export type Role = 'offerer' | 'answerer';
export type ByeReason = Bye['reason'];

/** One exchange of descriptions, which is to become a connection. */
export interface Attempt {
  readonly session: string;
  /** The other's run that it was begun with; null when its presence was not known yet. */
  readonly remoteEpoch: number | null;
  /** This end's description and the candidates that belong to it. */
  readonly local: {
    readonly sdp: string | null;
    readonly candidates: readonly Candidate[];
    readonly done: boolean;
  };
  /** The other's description has been taken. */
  readonly answered: boolean;
  /** Waits that have ended since it began; since it was answered, once it is. */
  readonly tries: number;
}

/** A connection that both ends have used; another one may be made beside it, to take over when it is open. */
interface Serving {
  readonly session: string;
  readonly remoteEpoch: number | null;
  readonly replacement: Attempt | null;
}

/** What has a peer connection. */
export type Live =
  | { readonly phase: 'connecting'; readonly session: string; readonly attempt: Attempt }
  | Connected
  | Restoring;

export type Connected = Serving & { readonly phase: 'connected' };

/** Nothing is heard. Whichever is heard first ends it, the connection that there is or its replacement. */
export type Restoring = Serving & {
  readonly phase: 'restoring';
  /** Waits that have ended since it began. */
  readonly tries: number;
};

export type Link =
  | Live
  /** Nothing exists: no session, no local description. */
  | { readonly phase: 'waiting' }
  /** Offerer: a new session follows soon. */
  | { readonly phase: 'retrying'; readonly detail: string }
  | { readonly phase: 'ended'; readonly reason: ByeReason; readonly detail: string };

export interface State {
  readonly role: Role;
  /** This end's own run, ms since the epoch. */
  readonly epoch: number;
  /** The other's run while its presence is online; otherwise null. */
  readonly remote: number | null;
  /** Sessions that this end has made (offerer). */
  readonly made: number;
  /** The newest session that this end has been offered (answerer). */
  readonly newest: string;
  /** Sessions that failed in a row. */
  readonly failures: number;
  /** Candidates that came before their description. */
  readonly early: {
    readonly session: string;
    readonly candidates: readonly Candidate[];
    readonly done: boolean;
  } | null;
  readonly link: Link;
  /** This end has left; nothing happens any more. */
  readonly closed: boolean;
}

type Fields<Message, Key extends keyof Message> = Pick<Message, Key>;
type SdpBody = Fields<Sdp, 'session' | 'seq' | 'type'> & { readonly sdp?: string | undefined };
type IceBody = Fields<Ice, 'session' | 'done'> & { readonly candidates: readonly Candidate[] };
type ByeBody = {
  readonly session?: string | undefined;
  readonly reason: ByeReason;
  readonly detail?: string | undefined;
};

export type Event =
  /** The other's presence; an epoch is not known when it was cleared. */
  | { type: 'presence'; online: true; epoch: number }
  | { type: 'presence'; online: false; epoch: number | null }
  | { type: 'sdp'; message: SdpBody }
  | { type: 'ice'; message: IceBody }
  | { type: 'bye'; message: ByeBody }
  /** This end's own description is made. */
  | { type: 'described'; session: string; sdp: string }
  /** This end's own candidates. */
  | { type: 'gathered'; session: string; candidates: readonly Candidate[]; done: boolean }
  /** connected: something is heard on it; silent: nothing any more; failed: nothing ever will be. */
  | { type: 'transport'; session: string; state: 'connected' | 'silent' | 'failed'; detail?: string }
  /** This end's own network has changed: what there is may go on, and another connection should be made. */
  | { type: 'moved' }
  /** The broker can be reached (again): what was said before may not have arrived. */
  | { type: 'signalling' }
  | { type: 'timeout' }
  | { type: 'leave'; reason: ByeReason; detail?: string };

export type Effect =
  | { type: 'open' | 'close'; session: string }
  /** Another connection has taken over: it is closed as soon as the other end has had time to notice. */
  | { type: 'retire'; session: string }
  | { type: 'makeOffer'; session: string }
  | { type: 'takeOffer' | 'takeAnswer'; session: string; sdp: string }
  | ({ type: 'addCandidates' } & IceBody)
  | { type: 'sendSdp'; body: SdpBody }
  | { type: 'sendIce'; body: IceBody }
  | { type: 'sendBye'; body: ByeBody }
  /** Publish this end's presence again. */
  | { type: 'announce' }
  /** One timer for a negotiation: a new one replaces the last. */
  | { type: 'arm'; ms: number }
  | { type: 'disarm' }
  /** An event was of no use, and why: to be counted. */
  | { type: 'drop'; what: string; why: string };

export type Step = [State, Effect[]];

export function initialState(role: Role, epoch: number, made = 0): State {
  return {
    role,
    epoch,
    remote: null,
    made,
    newest: '',
    failures: 0,
    early: null,
    link: { phase: 'waiting' },
    closed: false,
  };
}

export function isLive(link: Link): link is Live {
  return link.phase === 'connecting' || link.phase === 'connected' || link.phase === 'restoring';
}

/** The exchange of descriptions that is under way. */
export function attemptOf(link: Link): Attempt | null {
  if (link.phase === 'connecting') return link.attempt;
  return link.phase === 'connected' || link.phase === 'restoring' ? link.replacement : null;
}

/** The session in use, or the first that is being made. */
export const sessionOf = (link: Link): string | null => (isLive(link) ? link.session : null);

/** The sessions that have a peer connection, the one in use first. */
export function sessionsOf(link: Link): string[] {
  if (!isLive(link)) return [];
  const attempt = attemptOf(link);
  return attempt && attempt.session !== link.session ? [link.session, attempt.session] : [link.session];
}

/**
 * A session's id: 9 digits of the vehicle's epoch and 4 of a count, both in base 36. As text they
 * sort by age, so that a message of an older session is known for what it is.
 */
export function sessionId(epoch: number, count: number): string {
  return `${epoch.toString(36).padStart(9, '0')}-${count.toString(36).padStart(4, '0')}`;
}

/** The vehicle's epoch in a session's id, ms since the epoch. */
export function sessionEpoch(session: string): number {
  return Number.parseInt(session.slice(0, 9), 36);
}
