/** Search box and state filter; both live in the address bar, so that a view can be bookmarked and sent. */
import { useEffect, useRef } from 'preact/hooks';
import { Glyph } from '../glyph.tsx';
import { setQuery } from '../router.ts';
import { CAR_STATES, STATE_WORDS, type StateFilter } from './cars.ts';

interface FiltersProps {
  search: string;
  filter: StateFilter;
  counts: Record<StateFilter, number>;
}

export function Filters({ search, filter, counts }: FiltersProps) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => onSlash(() => box.current?.focus()), []);
  return (
    <search class="filters">
      <input
        ref={box}
        type="search"
        aria-label="Search vehicles"
        placeholder="Search  /"
        autocomplete="off"
        spellcheck={false}
        value={search}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
      />
      <fieldset>
        <legend class="unseen">State</legend>
        {(['all', ...CAR_STATES] as const).map((state) => (
          <label key={state} class={state === filter ? 'chosen' : ''}>
            <input
              type="radio"
              name="state"
              value={state}
              checked={state === filter}
              onChange={() => setQuery({ state: state === 'all' ? '' : state })}
            />
            {state === 'all' ? null : <Glyph state={state} />}
            <span>{state === 'all' ? 'All' : STATE_WORDS[state]}</span>
            <span class="count">{counts[state]}</span>
          </label>
        ))}
      </fieldset>
    </search>
  );
}

/** `/` goes to the search box, as in many lists. Returns the undo. */
function onSlash(go: () => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    go();
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
