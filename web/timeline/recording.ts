/**
 * What this page's end of a session says, hears and goes through: always kept, for the last few
 * sessions, so that it is there when somebody asks afterwards why one failed. Pure but for the clock.
 */
import type { Incoming } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ClockEstimate } from '../../shared/clock-sync.ts';
import { isLive, type Link } from '../../shared/negotiation.ts';
import type { Watch } from '../../shared/operator-end.ts';
import { withinLimits } from '../../shared/report.ts';
import type { Reports } from '../../shared/reports.ts';
import type { RoomView } from '../../shared/room-view.ts';

/** Sessions that are kept. */
export const MAX_RECORDINGS = 6;
/** Of one session. What is more is left out in the middle: how it began and how it ended counts. */
export const MAX_ENTRIES = 400;
const KEPT_FIRST = 200;

/** What belongs to a session; the others are about driving. */
export const SIGNALLING = ['presence', 'offer', 'sdp', 'ice', 'bye', 'report'] as const;
export type SignallingKind = (typeof SIGNALLING)[number];

/** Times are of the operator's clock, ms since the epoch; a message's own `ts` is of its sender's. */
export type Entry =
  | {
      type: 'message';
      at: number;
      from: 'operator' | 'vehicle';
      kind: SignallingKind;
      /** Null when it clears what was retained. */
      message: Record<string, unknown> | null;
      bytes: number;
      /** False: it never left, since there was no connection to the broker. */
      reached: boolean;
      /** The broker had it stored. */
      retained: boolean;
    }
  | { type: 'state'; at: number; of: 'broker' | 'session'; state: string; detail?: string | undefined }
  /** A message was of no use to this end, and why. */
  | { type: 'drop'; at: number; kind: SignallingKind; why: string };

export interface Recording {
  room: string;
  operator: string;
  /** Null while there is none: nobody has offered one. */
  session: string | null;
  startedAt: number;
  entries: Entry[];
  /** Entries that had no room. */
  leftOut: number;
  /** What each end has reported last: the states of its transport are in there. */
  reports: Pick<Reports, 'here' | 'there'>;
  /** The vehicle's clock against the operator's, as measured over the session; null if it never was. */
  clock: ClockEstimate | null;
}

export type Recorder = ReturnType<typeof createRecorder>;

/** @param onChange something was added */
export function createRecorder(clock: Clock, onChange: () => void) {
  /** The newest first. */
  const recordings: Recording[] = [];

  function begin(room: string, operator: string, startedAt = clock.now()): Recording {
    const nothing = { here: null, there: null };
    const fresh = {
      room,
      operator,
      session: null,
      startedAt,
      entries: [],
      leftOut: 0,
      reports: nothing,
      clock: null,
    };
    recordings.unshift(fresh);
    recordings.length = Math.min(recordings.length, MAX_RECORDINGS);
    return fresh;
  }

  /** Watches one operator's end of a room. */
  function watch(room: string, operator: string) {
    /** Of the session in use. */
    let current: Recording | null = null;

    const known = (session: unknown): Recording | undefined =>
      recordings.find((one) => one.session === session && one.operator === operator);

    /** Of a session; whoever came for a new one after the last one belongs to it. */
    function recordingOf(session: string): Recording {
      const there = known(session);
      if (there) return there;
      const waiting = current?.session === null ? current : null;
      const before = current && !waiting ? cutComing(current.entries) : [];
      const recording = waiting ?? begin(room, operator, before[0]?.at);
      recording.entries.push(...before);
      recording.session = session;
      return recording;
    }

    function add(entry: Entry, session?: unknown): void {
      current ??= begin(room, operator);
      const recording: Recording = (session ? known(session) : null) ?? current;
      recording.entries.push(entry);
      if (recording.entries.length > MAX_ENTRIES) {
        recording.entries.splice(KEPT_FIRST, 1);
        recording.leftOut++;
      }
      onChange();
    }

    function message(entry: Extract<Entry, { type: 'message' }>): void {
      const { session, type } = entry.message ?? {};
      const isOffer = entry.from === 'vehicle' && type === 'offer' && typeof session === 'string';
      // A newer session follows the one that there is, or is made beside it (ids sort by age).
      if (isOffer && current?.session && session > current.session) recordingOf(session);
      add(entry, session);
    }

    const came: Watch['came'] = (incoming) => {
      if (!isSignalling(incoming) || !isFromVehicle(incoming, room)) return;
      const { kind, retained, bytes } = incoming;
      message({
        type: 'message',
        at: clock.now(),
        from: 'vehicle',
        kind,
        message: kept(kind, incoming.message as Record<string, unknown> | null),
        bytes,
        reached: true,
        retained,
      });
    };
    const sent: Watch['sent'] = (kind, text, reached) => {
      if (!isKind(kind)) return;
      message({
        type: 'message',
        at: clock.now(),
        from: 'operator',
        kind,
        message: kept(kind, text === '' ? null : JSON.parse(text)),
        bytes: text.length,
        reached,
        retained: false,
      });
    };

    const dropped: Watch['dropped'] = (kind, why) => {
      if (isKind(kind)) add({ type: 'drop', at: clock.now(), kind, why });
    };

    return {
      came,
      sent,
      dropped,
      view(next: RoomView, before: RoomView): void {
        const at = clock.now();
        if (next.broker.state !== before.broker.state) {
          const detail = 'detail' in next.broker ? next.broker.detail : undefined;
          add({ type: 'state', at, of: 'broker', state: next.broker.state, detail });
        }
        if (isMove(next.link, before.link)) {
          if (isLive(next.link)) current = recordingOf(next.link.session);
          const detail = 'detail' in next.link ? next.link.detail : undefined;
          add({ type: 'state', at, of: 'session', state: next.link.phase, detail });
        }
        if (current?.session && next.clock) current.clock = next.clock;
        const { session, here, there } = next.reports;
        const reported = next.reports === before.reports || session === null ? undefined : known(session);
        if (reported) reported.reports = { here: here && withinLimits(here), there };
      },
      /** The end has left: what never came to anything is not worth keeping. */
      close(): void {
        const { session, entries } = current ?? { session: '', entries: [] };
        const seen = entries.some((entry) => entry.type === 'message' && entry.from === 'operator');
        const at = current ? recordings.indexOf(current) : -1;
        if (session === null && !seen && at >= 0) recordings.splice(at, 1);
        onChange();
      },
    };
  }

  return { recordings: recordings as readonly Recording[], watch };
}

const isKind = (kind: string): kind is SignallingKind => (SIGNALLING as readonly string[]).includes(kind);

function isSignalling(incoming: Incoming): incoming is Extract<Incoming, { kind: SignallingKind }> {
  return isKind(incoming.kind);
}

function isFromVehicle({ topic }: Extract<Incoming, { kind: SignallingKind }>, room: string): boolean {
  if (topic.kind === 'offer') return true;
  return (topic.kind === 'presence' ? topic.peer : topic.from) === room;
}

/** Takes off the end what came after the last session: the vehicle, or else this operator, showing itself. */
function cutComing(entries: Entry[]): Entry[] {
  const last = (fits: (entry: Entry) => boolean) => entries.findLastIndex(fits);
  const shows = (end: 'operator' | 'vehicle') =>
    last((entry) => entry.type === 'message' && entry.from === end && entry.message?.state === 'online');
  const over = last((entry) => entry.type === 'state' && entry.of === 'session');
  const first = shows('vehicle') > over ? shows('vehicle') : shows('operator');
  return first > over ? entries.splice(first) : [];
}

const isMove = (next: Link, before: Link): boolean =>
  next.phase !== before.phase || (isLive(next) && isLive(before) && next.session !== before.session);

/** A report is long and comes often; the last one is kept elsewhere. */
function kept(kind: string, message: Record<string, unknown> | null): Record<string, unknown> | null {
  if (kind !== 'report' || !message) return message;
  const count = (list: unknown) => (Array.isArray(list) ? list.length : 0);
  const { ts, session, gathered, servers, states, pair } = message;
  return {
    ts,
    session,
    gathered: count(gathered),
    servers: count(servers),
    states: count(states),
    pair: pair !== null,
  };
}
