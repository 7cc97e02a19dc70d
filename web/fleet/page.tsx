/** The fleet: every vehicle, live. */
import '../style/fleet.css';
import { computed, type ReadonlySignal, signal, useComputed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { Account } from '../access/account.tsx';
import { onlooker } from '../access/identity.ts';
import { ACCESS_ENDED } from '../access/words.ts';
import { timeOfDay } from '../format.ts';
import { Glyph } from '../glyph.tsx';
import { IceWarnings } from '../ice-warnings.tsx';
import { Notice } from '../notice.tsx';
import { onPageLife } from '../page-life.ts';
import { query } from '../router.ts';
import { type FleetSettings, fleetSettings, loadIceServers, settingsProblem, you } from '../settings.ts';
import { budgetNotice, LEVEL_TONES, thisMonth, usageWords } from '../usage-words.ts';
import { type CarState, countStates, listed, stateFilter } from './cars.ts';
import { createFeed, type Feed } from './feed.ts';
import { Filters } from './filters.tsx';
import { CarList } from './list.tsx';

const settings = signal<FleetSettings | null>(null);
const search = computed(() => query.value.get('q') ?? '');
const filter = computed(() => stateFilter(query.value.get('state')));

export default function FleetPage() {
  const [feed, setFeed] = useState<Feed | null>(null);
  useEffect(() => {
    document.title = 'Fleet · plntry';
    return keepFeed(setFeed);
  }, []);
  if (feed) return <Fleet feed={feed} />;
  const problem = settingsProblem.value;
  return problem === null ? (
    <Notice title="Asking the server where the fleet is…" />
  ) : (
    <Notice title="The server can't be reached, trying again…" detail={`What it said: ${problem}.`} />
  );
}

/** One feed while the page is there. Returns the undo. */
function keepFeed(show: (feed: Feed | null) => void): () => void {
  let feed: Feed | null = null;
  let wanted = true;
  async function open(): Promise<void> {
    settings.value = await fleetSettings();
    const me = await onlooker();
    if (!wanted || feed) return;
    feed = createFeed(settings.value, me);
    // There by the time of a click, and what is wrong with them shows where the fleet's owner looks.
    void loadIceServers(me.clientId);
    show(feed);
  }
  function close(): void {
    wanted = false;
    feed?.close();
    feed = null;
  }
  const unwatch = onPageLife(close, () => {
    wanted = true;
    void open();
  });
  void open();
  return () => {
    unwatch();
    close();
  };
}

function Fleet({ feed }: { feed: Feed }) {
  const shown = useComputed(() => {
    feed.version.value;
    return listed(carsOf(feed), search.value, filter.value);
  });
  const counts = useComputed(() => {
    feed.version.value;
    return countStates(carsOf(feed));
  });
  return (
    <main class="fleet">
      <header>
        <h1 class="brand">
          <span class="mark">plntry</span>
          <span class="fleet-name">{settings.value?.name ?? 'Fleet'}</span>
        </h1>
        <Filters search={search.value} filter={filter.value} counts={counts.value} />
      </header>
      <Connection feed={feed} />
      <IceWarnings />
      <Budget feed={feed} />
      {counts.value.all === 0 ? (
        <Empty feed={feed} />
      ) : shown.value.length === 0 ? (
        <p class="nothing" role="status">
          None of {counts.value.all} matches {describe(search.value, filter.value)}.
        </p>
      ) : (
        <CarList rooms={shown.value} feed={feed} />
      )}
      {counts.value.all === 0 ? null : (
        <footer>
          <Total feed={feed} />
          {accessEnded(feed) ? (
            <a class="button" href="/" target="_self">
              Come in again
            </a>
          ) : you.value ? (
            <Account />
          ) : (
            <a href="/vehicle">Use this device as a vehicle</a>
          )}
        </footer>
      )}
    </main>
  );
}

const accessEnded = ({ broker: { value } }: Feed): boolean =>
  value.state === 'refused' && value.detail === ACCESS_ENDED;

/** Of all vehicles together. Whoever comes to the page learns of it; it changes too often to be read out. */
function Total({ feed }: { feed: Feed }) {
  const usage = thisMonth(feed.usage.value, Date.now());
  if (!usage) return null;
  const { level, text } = usageWords(usage.all);
  return (
    <p>
      Relayed this month, all vehicles:{' '}
      <span class={`${LEVEL_TONES[level]}-text`}>
        {level === 'fine' ? null : <Glyph state={level} />} {text}
      </span>
    </p>
  );
}

/** The budget of all vehicles, when it is nearly or quite used up. */
function Budget({ feed }: { feed: Feed }) {
  const usage = thisMonth(feed.usage.value, Date.now());
  // Of one vehicle's budget its own row says it.
  const said = usage && budgetNotice({ ...usage, car: { relayBytes: 0 } });
  return (
    <p class="connection" role="status">
      {said ? <span class={`${said.tone}-text`}>{said.text}</span> : null}
    </p>
  );
}

const carsOf = (feed: Feed) => [...feed.rows.values()].map((row) => row.peek());

function describe(text: string, state: CarState | 'all'): string {
  const parts = [text && `“${text}”`, state !== 'all' && `state ${state}`];
  return parts.filter(Boolean).join(' and ');
}

/** What is wrong with the connection; nothing when nothing is. */
function Connection({ feed }: { feed: Feed }) {
  const text = connectionText(
    feed,
    useComputed(() => feed.rows.size + 0 * feed.version.value),
  );
  return (
    <p class="connection" role="status">
      {text ? <span class="danger-text">{text}</span> : null}
    </p>
  );
}

function connectionText(feed: Feed, cars: ReadonlySignal<number>): string | null {
  const broker = feed.broker.value;
  if (accessEnded(feed)) return 'Your access has ended. The list is as it was then.';
  if (broker.state === 'refused') return `The broker refuses this page: ${broker.detail}.`;
  const lostAt = feed.lostAt.value;
  if (lostAt === null || broker.state === 'connected') return null;
  if (cars.value === 0) return 'The broker can’t be reached, trying again…';
  return `Connection to the broker lost, trying again… The list is as of ${timeOfDay(lostAt)}.`;
}

function Empty({ feed }: { feed: Feed }) {
  if (!feed.settled.value) {
    return feed.broker.value.state === 'connecting' ? <p class="nothing">Connecting to the broker…</p> : null;
  }
  return (
    <section class="nothing">
      <h2>No vehicle has been here yet</h2>
      <p>
        Start one on any machine that reaches this broker, and it appears here by itself:
        <code>npm run vehicle -- --room car2</code>
      </p>
      <p>
        Or let this phone or laptop be one: <a href="/vehicle">use this device as a vehicle</a>.
      </p>
    </section>
  );
}
