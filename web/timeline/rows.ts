/** From a recording to the rows of a sequence diagram, in the order of the operator's clock. Pure. */
import type { PeerReport } from '../../shared/report.ts';
import { bytes, fixed } from '../format.ts';
import type { Entry, Recording } from './recording.ts';
import { summary, TITLES } from './summary.ts';

export type Lane = 'operator' | 'broker' | 'vehicle';
export type Tone = 'plain' | 'fine' | 'careful' | 'danger';

export interface Row {
  /** Since the recording began, on the operator's clock, ms. */
  at: number;
  /** Since the row before, ms. */
  after: number;
  /** The same for a state: then it is that end's. */
  from: Lane;
  to: Lane;
  /** False: it never got to where the arrow points. */
  reached: boolean;
  title: string;
  detail: string;
  tone: Tone;
  /** The whole of it, as it was; null when there is no more. */
  message: object | null;
}

/** What the vehicle's clock is known by. */
export interface VehicleClock {
  /** To be added to the operator's to get the vehicle's, ms. */
  offset: number;
  /** measured: over the session; estimated: from what was said when. */
  by: 'measured' | 'estimated' | 'unknown';
}

type Timed = Omit<Row, 'after'>;

export function rowsOf(recording: Recording): Row[] {
  const { offset } = vehicleClock(recording);
  const { startedAt, entries, reports } = recording;
  const timed: Timed[] = [
    ...entries.map((entry) => rowOf(entry, recording, offset)),
    ...statesOf(reports.here, 'operator', 0, startedAt),
    ...statesOf(reports.there, 'vehicle', offset, startedAt),
  ];
  timed.sort((a, b) => a.at - b.at);
  return timed.map((row, index) => ({ ...row, after: row.at - (timed[index - 1]?.at ?? row.at) }));
}

function rowOf(entry: Entry, { startedAt }: Recording, offset: number): Timed {
  const at = entry.at - startedAt;
  if (entry.type === 'state') {
    const of = entry.of === 'broker' ? 'Connection to the broker' : 'Session';
    const tone = toneOf(entry.state);
    const lane: Lane = 'operator';
    const detail = entry.detail ?? '';
    return {
      at,
      from: lane,
      to: lane,
      reached: true,
      title: `${of}: ${entry.state}`,
      detail,
      tone,
      message: null,
    };
  }
  if (entry.type === 'drop') {
    const title = `${TITLES[entry.kind]} dropped`;
    return {
      at,
      from: 'operator',
      to: 'operator',
      reached: true,
      title,
      detail: entry.why,
      tone: 'careful',
      message: null,
    };
  }
  const { title, detail, tone } = summary(entry);
  const isHere = entry.from === 'operator';
  const facts = [detail, bytes(entry.bytes)];
  if (!entry.reached) facts.push('not sent: no connection to the broker');
  else if (entry.retained) facts.push('the broker had it stored');
  else if (!isHere) facts.push(...wayOf(entry, offset));
  return {
    at,
    from: isHere ? 'operator' : entry.retained ? 'broker' : 'vehicle',
    to: isHere ? (entry.reached ? 'vehicle' : 'broker') : 'operator',
    reached: entry.reached,
    title,
    detail: facts.filter(Boolean).join(' · '),
    tone: entry.reached ? tone : 'danger',
    message: entry.message,
  };
}

/** How long it was on its way, which two clocks that are not quite the same can make negative. */
function wayOf({ at, message }: Extract<Entry, { type: 'message' }>, offset: number): string[] {
  const sentAt = message?.ts;
  return typeof sentAt === 'number' ? [`${fixed(Math.max(0, at - (sentAt - offset)))} ms on its way`] : [];
}

const TRANSPORTS = {
  gathering: 'Gathering addresses',
  ice: 'ICE',
  dtls: 'DTLS',
  channels: 'Data channels',
} as const;

function statesOf(report: PeerReport | null, lane: Lane, offset: number, startedAt: number): Timed[] {
  return (report?.states ?? []).map(({ at, of, state }) => ({
    at: at - offset - startedAt,
    from: lane,
    to: lane,
    reached: true,
    title: `${TRANSPORTS[of]}: ${state}`,
    detail: '',
    tone: toneOf(state),
    message: null,
  }));
}

const TONES: Record<string, Tone> = {
  connected: 'fine',
  completed: 'fine',
  open: 'fine',
  failed: 'danger',
  ended: 'danger',
  refused: 'danger',
  retrying: 'danger',
  disconnected: 'careful',
  restoring: 'careful',
  offline: 'careful',
};

const toneOf = (state: string): Tone => TONES[state] ?? 'plain';

/**
 * The vehicle's clock: as it was measured over the session, or else from causes and effects. A message
 * can't arrive before it was sent, and an offer can't be made before the operator was there.
 */
export function vehicleClock({ clock, entries }: Recording): VehicleClock {
  if (clock) return { offset: clock.offset, by: 'measured' };
  let here: number | null = null;
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    if (entry.type !== 'message' || entry.retained) continue;
    if (entry.from === 'operator') {
      if (entry.kind === 'presence' && entry.message?.state === 'online') here ??= entry.at;
      continue;
    }
    const ts = entry.message?.ts;
    if (typeof ts !== 'number') continue;
    least = Math.max(least, ts - entry.at);
    if (here !== null && entry.message?.type === 'offer') most = Math.min(most, ts - here);
  }
  if (least === Number.NEGATIVE_INFINITY) return { offset: 0, by: 'unknown' };
  return {
    offset: most === Number.POSITIVE_INFINITY || most < least ? least : (least + most) / 2,
    by: 'estimated',
  };
}
