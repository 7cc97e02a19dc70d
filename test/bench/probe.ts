/** The benchmark's probe: its script for the page, and what it tells. */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';

/** A picture when it was handed to the screen; times in ms since the epoch. */
export interface Frame {
  at: number;
  /** When it was taken; null when that can't be read. */
  captured: number | null;
  /** Pixels. */
  width: number;
}

/** What the probe has seen; times are ms on the page's `performance.now()`. */
export interface Seen {
  clickAt: number | null;
  channelAt: number | null;
  firstFrameAt: number | null;
  /** Of commands, ms. */
  roundTrips: number[];
  /** Whether pixels are read. */
  reading: boolean;
  frames: Frame[];
}

declare global {
  /** In the page. */
  var seen: Seen;
}

/** The script, for Playwright's `addInitScript`. */
export async function probeScript(): Promise<string> {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
  const timecode = stripTypeScriptTypes(await read('../../shared/timecode.ts')).replaceAll('export ', '');
  return `(() => {\n${timecode}\n${await read('./probe-page.js')}\n})();`;
}
