/** The address bar as a signal, and moving between pages without loading them anew. */
import { computed, signal } from '@preact/signals';
import { routeOf } from './routes.ts';

const address = signal(new URL(location.href));
const path = computed(() => address.value.pathname);

export const route = computed(() => routeOf(path.value));
export const query = computed(() => address.value.searchParams);

/** When the page that is shown now was asked for, on the clock of `performance.now()`, ms; 0 for the first. */
let asked = 0;
export const askedAt = (): number => asked;

export function navigate(to: string, at = performance.now()): void {
  history.pushState(null, '', to);
  asked = at;
  address.value = new URL(location.href);
}

/** Changes the query in place: no entry of its own in the history. Empty values are left out. */
export function setQuery(values: Record<string, string>): void {
  const next = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  history.replaceState(null, '', next);
  address.value = next;
}

addEventListener('popstate', (event) => {
  asked = event.timeStamp;
  address.value = new URL(location.href);
});

/** A click that opens its link in this tab. */
export function staysHere(event: MouseEvent): boolean {
  return !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0);
}

/** Links to pages of this app are followed here; all others, and new tabs, by the browser. */
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || !staysHere(event) || event.defaultPrevented || link.target || link.origin !== location.origin)
    return;
  event.preventDefault();
  navigate(link.href, event.timeStamp);
});
