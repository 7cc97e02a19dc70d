/** The list of cars: rows in a stable order, to be walked with the arrow keys. */
import { type Signal, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Usage } from '../../shared/messages.ts';
import { ago, fixed, UNKNOWN } from '../format.ts';
import { Glyph } from '../glyph.tsx';
import { staysHere } from '../router.ts';
import { consolePath } from '../routes.ts';
import { lastSeen } from '../seen.ts';
import { LEVEL_TONES, thisMonth, usageWords } from '../usage-words.ts';
import { type Car, driverOf, nameOf, STATE_WORDS, stateOf } from './cars.ts';
import type { Feed } from './feed.ts';
import { choose, expectChoice, prepare, prepareSoon, stopPreparing } from './prepare.ts';

/** How often "3 min ago" is looked at again, ms. */
const AGE_TICK_MS = 10_000;
const now = signal(Date.now());

interface CarListProps {
  rooms: string[];
  feed: Feed;
}

export function CarList({ rooms, feed }: CarListProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, AGE_TICK_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => walkWithArrows(() => list.current), []);
  useEffect(expectChoice, []);
  return (
    <div class={`cars ${feed.lostAt.value === null ? '' : 'old'}`}>
      <div class="columns" aria-hidden="true">
        <span>State</span>
        <span>Vehicle</span>
        <span>Driver</span>
        <span class="figure">Speed, km/h</span>
        <span class="figure">Battery, %</span>
        <span class="figure">Relayed this month</span>
        <span class="figure">Last seen</span>
      </div>
      <ul ref={list} aria-label="Vehicles">
        {rooms.map((room) => {
          const row = feed.rows.get(room);
          return row ? <Row key={room} car={row} /> : null;
        })}
      </ul>
    </div>
  );
}

function Row({ car }: { car: Signal<Car> }) {
  const { room } = car.value;
  return (
    <li>
      <a
        href={consolePath(room)}
        onPointerEnter={() => prepareSoon(room, car.value.presence)}
        onFocus={() => prepareSoon(room, car.value.presence)}
        onPointerDown={() => prepare(room, car.value.presence)}
        onPointerLeave={stopPreparing}
        onClick={(event) => staysHere(event) && choose(room)}
      >
        <Cells car={car.value} />
      </a>
    </li>
  );
}

function Cells({ car }: { car: Car }) {
  const state = stateOf(car);
  const there = state === 'online' || state === 'driven';
  const values = car.telemetry?.values ?? {};
  const watching = Object.keys(car.operators).length;
  const name = nameOf(car);
  return (
    <>
      <span class={`state ${state}`}>
        <Glyph state={state} />
        {STATE_WORDS[state]}
      </span>
      <span class="name">
        {name}
        {name === car.room ? null : <span class="soft"> {car.room}</span>}
      </span>
      <span class="driver">{driverOf(car) ?? watchers(watching)}</span>
      <Figure value={there ? values['Vehicle.Speed'] : undefined} unit="km/h" label="Speed" />
      <Figure
        value={values['Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed']}
        unit="%"
        label="Battery"
      />
      <Relayed usage={thisMonth(car.usage, now.value)} />
      <span class="figure seen">
        {there ? 'now' : car.presence && ago(now.value - lastSeen(car.presence, car.telemetry))}
      </span>
    </>
  );
}

function watchers(count: number): string {
  return count === 0 ? '' : `${count} watching`;
}

function Figure({ value, unit, label }: { value: unknown; unit: string; label: string }) {
  return (
    <span class="figure">
      <span class="unseen">{label} </span>
      {typeof value === 'number' ? fixed(value) : UNKNOWN}
      <span class="unit"> {unit}</span>
    </span>
  );
}

function Relayed({ usage }: { usage: Usage | null }) {
  if (!usage) return <span class="figure relayed">{UNKNOWN}</span>;
  const { level, amount, ofBudget } = usageWords(usage.car);
  return (
    <span class={`figure relayed ${LEVEL_TONES[level]}-text`}>
      <span class="unseen">Relayed this month </span>
      {level === 'fine' ? null : <Glyph state={level} />} {amount}
      <span class="budget"> {ofBudget}</span>
    </span>
  );
}

/** Up and down, Home and End go from row to row; down leads from the search box into the list. Returns the undo. */
function walkWithArrows(list: () => HTMLElement | null): () => void {
  const onKey = (event: KeyboardEvent) => {
    const links = [...(list()?.querySelectorAll('a') ?? [])];
    const target = event.target instanceof Element ? event.target : null;
    const at = links.indexOf(target as HTMLAnchorElement);
    const radio = target instanceof HTMLInputElement && target.type === 'radio';
    if (links.length === 0 || radio || (at < 0 && event.key !== 'ArrowDown')) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) document.querySelector<HTMLElement>('input[type=search]')?.focus();
    else links[Math.min(to, links.length - 1)]?.focus();
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
