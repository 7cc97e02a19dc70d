/** Ends, servers and lists in words. */
import { parseServerUrl, type ServerUrl } from '../server-url.ts';
import type { Verdict } from '../verdict.ts';

/** The two ends of a session. */
export type End = 'vehicle' | 'operator';

export const otherEnd = (end: End): End => (end === 'vehicle' ? 'operator' : 'vehicle');

/** What each end is called by whoever reads it at one of them. */
const NAMES: Record<End, Record<End, string>> = {
  operator: { vehicle: 'the vehicle', operator: 'this browser' },
  vehicle: { vehicle: 'this vehicle', operator: 'the operator' },
};

/** @param reader the end at which it is read */
export const nameOf = (end: End, reader: End): string => NAMES[reader][end];

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One, two and three. */
export function list(items: string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** Servers that are named in a sentence; of more it says how many. */
const MOST_NAMED = 3;

function named(items: string[]): string {
  const more = items.length - MOST_NAMED;
  return list(more > 0 ? [...items.slice(0, MOST_NAMED), `${more} more`] : items);
}

/** Each once, such as "turn.example.com:3478 (UDP and TCP)". */
export function serversInWords(urls: string[]): string {
  const byPlace = new Map<string, Set<string>>();
  for (const url of urls) {
    const server = parseServerUrl(url);
    const place = server ? `${server.host}:${server.port}` : url;
    const transports = byPlace.get(place) ?? new Set();
    if (server) transports.add(transportInWords(server.transport));
    byPlace.set(place, transports);
  }
  return named(
    [...byPlace].map(([place, transports]) =>
      transports.size > 0 ? `${place} (${list([...transports])})` : place,
    ),
  );
}

/** Each once, such as "turn.example.com". */
export const hostsInWords = (urls: string[]): string => named(hostsOf(urls));

export const hostsOf = (urls: string[]): string[] => [
  ...new Set(urls.map((url) => parseServerUrl(url)?.host ?? url)),
];

export const transportInWords = (transport: ServerUrl['transport']): string => transport.toUpperCase();

/** A whole verdict as one text. */
export function inOneText({ state, title, detail, advice }: Verdict): string {
  // What to do belongs to what is wrong; a warning is in the detail.
  const parts = state === 'failed' ? [title, advice, detail] : [title, detail, advice];
  return parts.filter((part) => part !== '').join(' ');
}
