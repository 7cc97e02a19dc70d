/**
 * A recorded session as a sequence diagram: operator, broker and vehicle as three lines, time downwards.
 * It is a list of sentences with arrows behind them, so that it can be read aloud and by keyboard.
 */
import { useMemo } from 'preact/hooks';
import { fixed } from '../format.ts';
import { outcomeOf, readable } from './outcome.ts';
import type { Recording } from './recording.ts';
import { createRedaction, mapTexts } from './redact.ts';
import { type Lane, type Row, rowsOf, vehicleClock } from './rows.ts';

/** Silence that is said, ms. */
const PAUSE_MS = 1_000;

interface DiagramProps {
  recording: Recording;
  /** Grows when there is more in the recording. */
  version: number;
}

export function Diagram({ recording, version }: DiagramProps) {
  const rows = useMemo(() => rowsOf(recording), [recording, version]);
  const { tone, text } = outcomeOf(recording);
  const names = { operator: recording.operator, broker: 'Broker', vehicle: recording.room };
  return (
    <div class="diagram">
      <p class={`outcome ${tone}-text`} role="status">
        {text}
      </p>
      <p class="soft">{clockWords(recording)}</p>
      {recording.leftOut > 0 ? (
        <p class="careful-text">{recording.leftOut} entries in the middle had no room and are left out.</p>
      ) : null}
      <div class="lanes" aria-hidden="true">
        <span />
        <div>
          <b class="operator">{names.operator}</b>
          <b class="broker">{names.broker}</b>
          <b class="vehicle">{names.vehicle}</b>
        </div>
      </div>
      {/* biome-ignore lint/a11y/noRedundantRoles: without bullets Safari doesn't take it for a list. */}
      <ol role="list" aria-label="What happened, in order">
        {rows.map((row, index) => (
          // Rows are only ever added.
          <li key={index} class={row.tone}>
            {row.after > PAUSE_MS ? <p class="pause">{readable(row.after)} later</p> : null}
            <RowView row={row} names={names} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function RowView({ row, names }: { row: Row; names: Record<Lane, string> }) {
  const line = (
    <>
      <time>
        {row.at < 0 ? '−' : '+'}
        {readable(Math.abs(row.at))}
      </time>
      <Cell row={row} names={names} />
    </>
  );
  if (row.message === null) return <div class="row">{line}</div>;
  return (
    <details>
      <summary class="row">{line}</summary>
      <pre>{messageText(row.message)}</pre>
    </details>
  );
}

function Cell({ row, names }: { row: Row; names: Record<Lane, string> }) {
  const isState = row.from === row.to;
  const where = isState ? names[row.from] : `${names[row.from]} to ${names[row.to]}`;
  return (
    <div class={`cell ${isState ? `state ${row.from}` : 'message'}`}>
      <p>
        <span class="unseen">{where}: </span>
        <b>{row.title}</b>
        {row.detail ? <small>{row.detail}</small> : null}
      </p>
      {isState ? null : <Arrow row={row} />}
    </div>
  );
}

function Arrow({ row: { from, to, reached } }: { row: Row }) {
  const ends =
    ['operator', 'broker', 'vehicle'].indexOf(from) - ['operator', 'broker', 'vehicle'].indexOf(to);
  const direction = ends < 0 ? 'to-vehicle' : 'to-operator';
  const span = from === 'vehicle' || to === 'vehicle' ? 'whole' : 'half';
  return <div class={`arrow ${direction} ${span} ${reached ? '' : 'lost'}`} aria-hidden="true" />;
}

/** What opens the session to others is not shown either: pictures of screens get about. */
function messageText(message: object): string {
  const { sdp, ...rest } = mapTexts(message as Record<string, unknown>, createRedaction(true));
  const text = JSON.stringify(rest, null, 2);
  return typeof sdp === 'string' ? `${text}\n\n${sdp.replaceAll('\r', '')}` : text;
}

function clockWords(recording: Recording): string {
  const { offset, by } = vehicleClock(recording);
  const times = 'Times are of the operator’s clock';
  if (by === 'unknown') return `${times}.`;
  if (Math.abs(offset) < 1) return `${times}, and the vehicle’s agrees with it.`;
  const ahead = `${fixed(Math.abs(offset))} ms ${offset < 0 ? 'behind' : 'ahead of'} it`;
  return `${times}. The vehicle’s is ${ahead}${by === 'estimated' ? ', as far as its messages tell' : ''}.`;
}
