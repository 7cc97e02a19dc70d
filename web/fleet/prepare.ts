/**
 * Gets the console ready while somebody is about to choose a car: its code, its connection to the
 * broker, and, with a vehicle that prepares, its session are there by the time of the click.
 */
import type { Presence } from '../../shared/messages.ts';
import { fleetSettings } from '../settings.ts';
import { expectSocket } from '../spare-socket.ts';

/** A pointer that only passes over a row stays shorter than this, ms. */
const DWELL_MS = 30;
const SIGNS_OF_LIFE = ['pointermove', 'pointerdown', 'keydown'];

let dwelling: ReturnType<typeof setTimeout> | undefined;
let page: typeof import('../console/page.tsx') | null = null;

/** While somebody moves on the page, there is a connection that a choice can take. Returns the undo. */
export function expectChoice(): () => void {
  let url: string | null = null;
  const expect = () => {
    if (url !== null) expectSocket(url);
  };
  void loadPage();
  void fleetSettings().then((settings) => {
    url = settings.url;
    expect();
  });
  for (const sign of SIGNS_OF_LIFE) addEventListener(sign, expect, { passive: true });
  return () => {
    url = null;
    for (const sign of SIGNS_OF_LIFE) removeEventListener(sign, expect);
  };
}

export function prepareSoon(room: string, presence: Presence | null): void {
  clearTimeout(dwelling);
  dwelling = setTimeout(() => prepare(room, presence), DWELL_MS);
}

/** Nothing was chosen, and what was about to be prepared isn't wanted any more. */
export function stopPreparing(): void {
  clearTimeout(dwelling);
}

export function prepare(room: string, presence: Presence | null): void {
  stopPreparing();
  const ahead = presence?.state === 'online' && presence.prepares === true;
  void loadPage().then(() => page?.prepare(room, ahead));
}

/** The choice is made: the car hears of it before the console is drawn. */
export function choose(room: string): void {
  stopPreparing();
  page?.enter(room);
}

async function loadPage(): Promise<void> {
  // What can't be loaded now is asked for again, and said, when it is needed.
  page ??= await import('../console/page.tsx').catch(() => null);
}
